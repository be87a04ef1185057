"""What the loaders of released checkpoints share: rules that say of which released tensors each of ours is made.

The released networks compute the same numbers under other names, and what is many small modules there (a linear block
or a convolution per action unit) is one tensor here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone
from mdhr.network.checkpoints.timm_weights import describe_keys, describe_mismatch, first_line

RELEASED_BACKBONES: dict[str, dict[str, Any]] = {
    "resnet50": {"name": "resnet50", "feature_source": "stage_output"},
    "swin_base": {"name": "swin_base_patch4_window7_224", "feature_source": "stage_input"},
}
"""The backbones that there are released checkpoints of."""
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Tensors of a batch normalization."""


def only(tensors: Sequence[Tensor]) -> Tensor:
    """The first tensor, where there is one or all are the same."""
    return tensors[0]


class Rule(NamedTuple):
    """How one tensor of this network is made from tensors of a released checkpoint."""

    ours: str
    theirs: Sequence[str]
    convert: Callable[[list[Tensor]], Tensor] = only


def read_released(path: str | Path) -> Mapping[str, Any]:
    """Content of a checkpoint file; ``InputError`` where there is none or it cannot be read without unpickling code."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}: give a file that the released code wrote")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"cannot read the checkpoint {path}: {first_line(error)}") from error


def plain_keys(checkpoint: Mapping) -> dict[str, Tensor]:
    """The state dict of a checkpoint without its wrappings."""
    state = checkpoint.get("state_dict", checkpoint)
    return {key.removeprefix("module."): tensor for key, tensor in state.items() if isinstance(tensor, Tensor)}


def is_constant(key: str) -> bool:
    """Is the tensor a constant of the released Swin code, computed and not stored here?"""
    return key.endswith(("relative_position_index", "attn_mask"))


def fill(network: nn.Module, released: Mapping[str, Tensor], rules: Sequence[Rule]) -> None:
    """Fill the network; ``InputError`` that names missing, unexpected and misshapen keys."""
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


def check_same_action_units(anchors: Tensor | None, au_set: ActionUnitSet) -> None:
    """``InputError`` where the checkpoint's vectors of similarity are not one for every action unit of the set."""
    if anchors is not None and len(anchors) != len(au_set.aus):
        raise InputError(
            f"the checkpoint predicts {len(anchors)} action units and the network {len(au_set.aus)} "
            f"({au_set.name}): choose the action unit set it was trained on"
        )


def check_same_backbone(released: Mapping[str, Tensor], backbone: Backbone, prefix: str) -> None:
    """``InputError`` where one is a Swin Transformer and the other is not."""
    is_swin = f"{prefix}.patch_embed.proj.weight" in released
    if any(key.startswith(f"{prefix}.") for key in released) and is_swin != backbone.is_swin:
        kinds = {True: "a Swin Transformer", False: "a ResNet"}
        raise InputError(
            f"the checkpoint's backbone is {kinds[is_swin]}, the network's is "
            f"{type(backbone.model).__name__}: choose the backbone it was trained with"
        )


def backbone_rules(backbone: Backbone, prefix: str) -> Iterator[Rule]:
    """timm's keys, but for Swin's patch merging: at the end of a stage there, at the start of the next one in timm."""
    for key in backbone.model.state_dict():
        theirs = re.sub(r"^layers\.(\d+)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", key)
        yield Rule(f"backbone.model.{key}", [f"{prefix}.{theirs}"])


def linear_rules(ours: str, theirs: str) -> Iterator[Rule]:
    """A linear layer, from one or from a 1x1 convolution."""
    yield Rule(f"{ours}.weight", [f"{theirs}.weight"], lambda x: x[0].flatten(1))
    yield Rule(f"{ours}.bias", [f"{theirs}.bias"])


def norm_rules(ours: str, theirs: str) -> Iterator[Rule]:
    """A batch normalization."""
    for tensor in NORM:
        yield Rule(f"{ours}.{tensor}", [f"{theirs}.{tensor}"])


def block_rules(ours: str, linear: str, norm: str) -> Iterator[Rule]:
    """A linear block."""
    yield from linear_rules(f"{ours}.linear", linear)
    yield from norm_rules(f"{ours}.norm", norm)


def side_by_side_rules(ours: str, blocks: Sequence[str]) -> Iterator[Rule]:
    """Linear blocks of several action units as one block, outputs after each other."""
    for tensor in ("weight", "bias"):
        yield Rule(f"{ours}.linear.{tensor}", [f"{block}.fc.{tensor}" for block in blocks], torch.cat)
    for tensor in NORM:
        keys = [f"{block}.bn.{tensor}" for block in blocks]
        yield Rule(f"{ours}.norm.{tensor}", keys, only if tensor == "num_batches_tracked" else torch.cat)
