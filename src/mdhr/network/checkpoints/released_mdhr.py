"""Checkpoints of the released MDHR code, loaded into this network.

The released code writes one state dict per data set and backbone.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from einops import rearrange

from mdhr.errors import InputError
from mdhr.network.checkpoints.conversion_rules import (
    Rule,
    backbone_rules,
    block_rules,
    check_same_action_units,
    check_same_backbone,
    fill,
    linear_rules,
    norm_rules,
    plain_keys,
    read_released,
    side_by_side_rules,
)
from mdhr.network.mdhr import MDHR

GROUP_NAMES = {"upper": "up", "middle": "mid", "lower": "down", "lower-a": "down1", "lower-b": "down2"}
"""What the released code calls the region groups."""


def load_released(network: MDHR, path: str | Path) -> None:
    """Fill the network from a checkpoint file of the released code.

    Raises
    ------
    InputError: no such file, not readable without unpickling code, or the checkpoint of another action unit set or
        backbone; missing and unexpected keys are named.
    """
    checkpoint = read_released(path)
    try:
        load_released_state(network, checkpoint)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def load_released_state(network: MDHR, checkpoint: Mapping) -> None:
    """Fill the network from a checkpoint; its dict may sit under ``state_dict``, its keys may begin with ``module.``.

    Raises
    ------
    InputError: see :func:`load_released`; ablated variants have no released checkpoint.
    """
    if network.dynamic is None or network.cross_region is None or network.temporal is None:
        raise InputError("released checkpoints hold the whole network: set dynamics, hierarchy and temporal to true")
    released = plain_keys(checkpoint)
    check_same_action_units(released.get("node_classifier.sc"), network.au_set)
    check_same_backbone(released, network.backbone, "Backbone")
    fill(network, released, list(release_rules(network)))


def release_rules(network: MDHR) -> Iterator[Rule]:
    """One rule for every tensor of the whole network."""
    au_set = network.au_set
    yield from backbone_rules(network.backbone, "Backbone")
    yield from block_rules("static", "global_linear.fc", "global_linear.bn")

    for s in range(len(network.backbone.strides)):
        yield from _patch_projection(f"dynamic.projections.{s}.block", f"MFD.conv{s + 1}", f"MFD.bn{s + 1}")
        yield from block_rules(f"dynamic.scale_features.{s}", f"MFD.weight_{s + 1}", f"MFD.wbn{s + 1}")
    yield from linear_rules("dynamic.scale_logits", "MFD.weight")
    yield from block_rules("dynamic.output", "MFD.convcat", "MFD.bn")

    for r, (group, members) in enumerate(zip(au_set.groups, au_set.members, strict=True)):
        ours, theirs = f"local.groups.{r}", f"LRM.{GROUP_NAMES[group.name]}"
        if au_set.region_block:
            yield from block_rules(f"{ours}.region_block", f"{theirs}_linear.fc", f"{theirs}_linear.bn")
        yield from linear_rules(f"{ours}.pattern_head", f"{theirs}_fc")
        yield from side_by_side_rules(f"{ours}.au_blocks.blocks", [f"LRM.class_linears.{n}" for n in members])

    yield Rule("cross_region.attention.linear.weight", ["CRM.gat.linear.weight"])
    yield Rule("cross_region.attention.source", ["CRM.gat.scoring_fn_source"])
    yield Rule("cross_region.attention.target", ["CRM.gat.scoring_fn_target"])
    yield Rule("cross_region.attention.bias", ["CRM.gat.bias"])

    convolutions = [f"TCN.temporal_cnn.{n}" for n in range(len(au_set.aus))]
    yield Rule("temporal.weight", [f"{c}.weight" for c in convolutions], lambda x: torch.stack(x).squeeze(2))
    yield Rule("temporal.bias", [f"{c}.bias" for c in convolutions], torch.stack)
    yield from norm_rules("temporal.norm", "TCN.bn")
    yield Rule("similarity.anchors", ["node_classifier.sc"])


def _patch_projection(ours: str, convolution: str, norm: str) -> Iterator[Rule]:
    """Kernels become rows of the matrix that multiplies patches: position by position, channels innermost."""
    rows = lambda x: rearrange(x[0], "out c p q -> out (p q c)")  # noqa: E731
    yield Rule(f"{ours}.linear.weight", [f"{convolution}.weight"], rows)
    yield Rule(f"{ours}.linear.bias", [f"{convolution}.bias"])
    yield from norm_rules(f"{ours}.norm", norm)
