"""Checkpoints of the released MDHR code: one state dict per data set and backbone."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import torch
from einops import rearrange

from mdhr.errors import InputError
from mdhr.network.checkpoints.tensor_file import unwrap_state_dict
from mdhr.network.checkpoints.tensor_mapping import (
    TensorMapping,
    backbone_mappings,
    check_same_action_units,
    check_same_backbone,
    linear_block_mappings,
    linear_mappings,
    load_mapped,
    load_released_file,
    norm_mappings,
    stacked_block_mappings,
)
from mdhr.network.mdhr import MDHR

GROUP_NAMES = {"upper": "up", "middle": "mid", "lower": "down", "lower-a": "down1", "lower-b": "down2"}
"""Names of the region groups in the released code."""


def load_released_mdhr(network: MDHR, path: str | Path) -> None:
    """Load a checkpoint file of the released code into the network.

    Raises:
        InputError: the file does not exist, cannot be read without unpickling code, or does not fit the network.
    """
    load_released_file(path, partial(load_released_mdhr_state, network))


def load_released_mdhr_state(network: MDHR, checkpoint: Mapping) -> None:
    """Load a checkpoint of the released code into the network.

    Args:
        network: MDHR with all its parts; no checkpoints of ablated variants were released.
        checkpoint: state dict, or content of a file that :func:`unwrap_state_dict` accepts.

    Raises:
        InputError: the checkpoint is not a state dict or does not fit the network.
    """
    if network.mfd is None or network.cross_region is None or network.tcn is None:
        raise InputError("released checkpoints need all parts of MDHR. Set use_mfd, use_hsr and use_tcn to true.")
    released = unwrap_state_dict(checkpoint)
    check_same_action_units(released.get("node_classifier.sc"), network.au_set)
    check_same_backbone(released, network.backbone, "Backbone")
    load_mapped(network, released, list(mdhr_mappings(network)))


def mdhr_mappings(network: MDHR) -> Iterator[TensorMapping]:
    """Yield one mapping for every tensor of the network."""
    au_set = network.au_set
    yield from backbone_mappings(network.backbone, "Backbone")
    yield from linear_block_mappings("static", "global_linear.fc", "global_linear.bn")

    for s in range(len(network.backbone.strides)):
        yield from _patch_projection(f"mfd.projections.{s}.block", f"MFD.conv{s + 1}", f"MFD.bn{s + 1}")
        yield from linear_block_mappings(f"mfd.scale_features.{s}", f"MFD.weight_{s + 1}", f"MFD.wbn{s + 1}")
    yield from linear_mappings("mfd.scale_logits", "MFD.weight")
    yield from linear_block_mappings("mfd.output", "MFD.convcat", "MFD.bn")

    for r, (group, members) in enumerate(zip(au_set.groups, au_set.members, strict=True)):
        name, released = f"local.groups.{r}", f"LRM.{GROUP_NAMES[group.name]}"
        if au_set.region_block:
            yield from linear_block_mappings(f"{name}.region_block", f"{released}_linear.fc", f"{released}_linear.bn")
        yield from linear_mappings(f"{name}.pattern_head", f"{released}_fc")
        yield from stacked_block_mappings(f"{name}.au_blocks.blocks", [f"LRM.class_linears.{n}" for n in members])

    yield TensorMapping("cross_region.attention.linear.weight", ["CRM.gat.linear.weight"])
    yield TensorMapping("cross_region.attention.a_src", ["CRM.gat.scoring_fn_source"])
    yield TensorMapping("cross_region.attention.a_dst", ["CRM.gat.scoring_fn_target"])
    yield TensorMapping("cross_region.attention.bias", ["CRM.gat.bias"])

    convolutions = [f"TCN.temporal_cnn.{n}" for n in range(len(au_set.aus))]
    yield TensorMapping("tcn.weight", [f"{c}.weight" for c in convolutions], lambda x: torch.stack(x).squeeze(2))
    yield TensorMapping("tcn.bias", [f"{c}.bias" for c in convolutions], torch.stack)
    yield from norm_mappings("tcn.norm", "TCN.bn")
    yield TensorMapping("similarity.prototypes", ["node_classifier.sc"])


def _patch_projection(name: str, convolution: str, norm: str) -> Iterator[TensorMapping]:
    """Yield the tensors of a patch projection; a kernel becomes a matrix row in the order of the patch values."""
    rows = lambda x: rearrange(x[0], "out c p q -> out (p q c)")  # noqa: E731
    yield TensorMapping(f"{name}.linear.weight", [f"{convolution}.weight"], rows)
    yield TensorMapping(f"{name}.linear.bias", [f"{convolution}.bias"])
    yield from norm_mappings(f"{name}.norm", norm)
