"""Checkpoints of the released MDHR code, loaded into this network.

The released code writes one state dict per data set and backbone. Its numbers are the same; names differ, and what is
many small modules there (a linear block or a convolution per action unit) is one tensor here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from mdhr.errors import InputError
from mdhr.network.mdhr import MDHR
from mdhr.network.pretrained import describe_keys, describe_mismatch, first_line

GROUP_NAMES = {"upper": "up", "middle": "mid", "lower": "down", "lower-a": "down1", "lower-b": "down2"}
"""What the released code calls the region groups."""

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Tensors of a batch normalisation."""


def _first(tensors: Sequence[Tensor]) -> Tensor:
    return tensors[0]


class Rule(NamedTuple):
    """How one tensor of this network is made from tensors of a released checkpoint."""

    ours: str
    theirs: Sequence[str]
    convert: Callable[[list[Tensor]], Tensor] = _first


def load_released(network: MDHR, path: str | Path) -> None:
    """Fill the network from a checkpoint file of the released code.

    Raises
    ------
    InputError: no such file, not readable without unpickling code, or the checkpoint of another action unit set or
        backbone; missing and unexpected keys are named.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}: give a file that the released code wrote")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"cannot read the checkpoint {path}: {first_line(error)}") from error
    try:
        load_released_state(network, checkpoint)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def load_released_state(network: MDHR, checkpoint: Mapping) -> None:
    """Fill the network from a checkpoint; its dict may sit under ``state_dict``, its keys may begin with ``module.``.

    Raises
    ------
    InputError: see :func:`load_released`.
    """
    released = plain_keys(checkpoint)
    _check_same_kind(network, released)
    rules = list(release_rules(network))
    wanted = {key for rule in rules for key in rule.theirs}
    problem = describe_keys(
        missing=sorted(wanted - released.keys()),
        unexpected=[key for key in released if key not in wanted and not is_constant(key)],
    )
    if not problem:
        state = {rule.ours: rule.convert([released[key] for key in rule.theirs]) for rule in rules}
        problem = describe_mismatch(state, network.state_dict())
    if problem:
        raise InputError(f"the checkpoint is not of this network: {problem}")
    network.load_state_dict(state)


def plain_keys(checkpoint: Mapping) -> dict[str, Tensor]:
    """The state dict of a checkpoint without its wrappings."""
    state = checkpoint.get("state_dict", checkpoint)
    return {key.removeprefix("module."): tensor for key, tensor in state.items() if isinstance(tensor, Tensor)}


def is_constant(key: str) -> bool:
    """Is the tensor a constant of the released Swin code, computed and not stored here?"""
    return key.endswith(("relative_position_index", "attn_mask"))


def release_rules(network: MDHR) -> Iterator[Rule]:
    """One rule for every tensor of the whole network (ablated variants have no released checkpoint)."""
    au_set = network.au_set
    yield from _backbone(network)
    yield from _block("static", "global_linear.fc", "global_linear.bn")

    for s in range(len(network.backbone.strides)):
        yield from _patch_projection(f"dynamic.projections.{s}.block", f"MFD.conv{s + 1}", f"MFD.bn{s + 1}")
        yield from _block(f"dynamic.scale_features.{s}", f"MFD.weight_{s + 1}", f"MFD.wbn{s + 1}")
    yield from _linear("dynamic.scale_logits", "MFD.weight")
    yield from _block("dynamic.output", "MFD.convcat", "MFD.bn")

    for r, (group, members) in enumerate(zip(au_set.groups, au_set.members, strict=True)):
        ours, theirs = f"local.groups.{r}", f"LRM.{GROUP_NAMES[group.name]}"
        if au_set.region_block:
            yield from _block(f"{ours}.region_block", f"{theirs}_linear.fc", f"{theirs}_linear.bn")
        yield from _linear(f"{ours}.pattern_head", f"{theirs}_fc")
        yield from _side_by_side(f"{ours}.au_blocks.blocks", [f"LRM.class_linears.{n}" for n in members])

    yield Rule("cross_region.attention.linear.weight", ["CRM.gat.linear.weight"])
    yield Rule("cross_region.attention.source", ["CRM.gat.scoring_fn_source"])
    yield Rule("cross_region.attention.target", ["CRM.gat.scoring_fn_target"])
    yield Rule("cross_region.attention.bias", ["CRM.gat.bias"])

    convolutions = [f"TCN.temporal_cnn.{n}" for n in range(len(au_set.aus))]
    yield Rule("temporal.weight", [f"{c}.weight" for c in convolutions], lambda x: torch.stack(x).squeeze(2))
    yield Rule("temporal.bias", [f"{c}.bias" for c in convolutions], torch.stack)
    yield from _norm("temporal.norm", "TCN.bn")
    yield Rule("similarity.anchors", ["node_classifier.sc"])


def _backbone(network: MDHR) -> Iterator[Rule]:
    """timm's keys, but for Swin's patch merging: at the end of a stage there, at the start of the next one in timm."""
    for key in network.backbone.model.state_dict():
        theirs = re.sub(r"^layers\.(\d+)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", key)
        yield Rule(f"backbone.model.{key}", [f"Backbone.{theirs}"])


def _linear(ours: str, theirs: str) -> Iterator[Rule]:
    """A linear layer, from one or from a 1x1 convolution."""
    yield Rule(f"{ours}.weight", [f"{theirs}.weight"], lambda x: x[0].flatten(1))
    yield Rule(f"{ours}.bias", [f"{theirs}.bias"])


def _norm(ours: str, theirs: str) -> Iterator[Rule]:
    for tensor in NORM:
        yield Rule(f"{ours}.{tensor}", [f"{theirs}.{tensor}"])


def _block(ours: str, linear: str, norm: str) -> Iterator[Rule]:
    yield from _linear(f"{ours}.linear", linear)
    yield from _norm(f"{ours}.norm", norm)


def _patch_projection(ours: str, convolution: str, norm: str) -> Iterator[Rule]:
    """Kernels become rows of the matrix that multiplies patches: position by position, channels innermost."""
    rows = lambda x: rearrange(x[0], "out c p q -> out (p q c)")  # noqa: E731
    yield Rule(f"{ours}.linear.weight", [f"{convolution}.weight"], rows)
    yield Rule(f"{ours}.linear.bias", [f"{convolution}.bias"])
    yield from _norm(f"{ours}.norm", norm)


def _side_by_side(ours: str, blocks: Sequence[str]) -> Iterator[Rule]:
    """Linear blocks of several action units as one block, outputs after each other."""
    for tensor in ("weight", "bias"):
        yield Rule(f"{ours}.linear.{tensor}", [f"{block}.fc.{tensor}" for block in blocks], torch.cat)
    for tensor in NORM:
        keys = [f"{block}.bn.{tensor}" for block in blocks]
        yield Rule(f"{ours}.norm.{tensor}", keys, _first if tensor == "num_batches_tracked" else torch.cat)


def _check_same_kind(network: MDHR, released: Mapping[str, Tensor]) -> None:
    """Name the difference where a checkpoint is of another action unit set or backbone, or the network is ablated."""
    if network.dynamic is None or network.cross_region is None or network.temporal is None:
        raise InputError("released checkpoints hold the whole network: set dynamics, hierarchy and temporal to true")
    anchors = released.get("node_classifier.sc")
    if anchors is not None and len(anchors) != len(network.au_set.aus):
        raise InputError(
            f"the checkpoint predicts {len(anchors)} action units and the network {len(network.au_set.aus)} "
            f"({network.au_set.name}): choose the action unit set it was trained on"
        )
    is_swin = "Backbone.patch_embed.proj.weight" in released
    if any(key.startswith("Backbone.") for key in released) and is_swin != network.backbone.is_swin:
        kinds = {True: "a Swin Transformer", False: "a ResNet"}
        raise InputError(
            f"the checkpoint's backbone is {kinds[is_swin]}, the network's is "
            f"{type(network.backbone.model).__name__}: choose the backbone it was trained with"
        )
