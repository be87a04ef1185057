"""Mapping of released checkpoints to the networks of this package, shared by MDHR and ME-GraphAU.

The released networks compute the same outputs with other tensor names. Groups of small modules there (a linear block or
a convolution per action unit) are one tensor here.
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
from mdhr.network.checkpoints.tensor_file import read_tensor_file
from mdhr.network.checkpoints.timm_weights import describe_keys, describe_mismatch

RELEASED_BACKBONES: dict[str, dict[str, Any]] = {
    "resnet50": {"name": "resnet50", "feature_source": "stage_output"},
    "swin_base": {"name": "swin_base_patch4_window7_224", "feature_source": "stage_input"},
}
"""Arguments of the backbones for which released checkpoints exist."""
NORM_TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Tensors of a batch normalization layer."""


def first_tensor(tensors: Sequence[Tensor]) -> Tensor:
    """Return the first tensor: the conversion of a single one or of equal ones."""
    return tensors[0]


class TensorMapping(NamedTuple):
    """One tensor of a network and the released tensors from which it is built."""

    name: str
    """Key in the network's state dict."""
    released: Sequence[str]
    """Keys in the released checkpoint."""
    convert: Callable[[list[Tensor]], Tensor] = first_tensor
    """Function from the released tensors to the network's tensor."""


def load_released_file(path: str | Path, load: Callable[[Mapping[str, Any]], None]) -> None:
    """Read a checkpoint file of the released code and pass it to ``load``; errors name the file.

    Raises:
        InputError: the file does not exist, cannot be read without unpickling code, or ``load`` refuses it.
    """
    checkpoint = read_tensor_file(path)
    try:
        load(checkpoint)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def is_constant(key: str) -> bool:
    """Return whether a tensor is a constant of the released Swin code that is computed here, not stored."""
    return key.endswith(("relative_position_index", "attn_mask"))


def load_mapped(network: nn.Module, released: Mapping[str, Tensor], mappings: Sequence[TensorMapping]) -> None:
    """Load released tensors into a network.

    Raises:
        InputError: missing, unexpected or misshapen keys, which the message names.
    """
    required = {key for mapping in mappings for key in mapping.released}
    problem = describe_keys(
        missing=sorted(required - released.keys()),
        unexpected=[key for key in released if key not in required and not is_constant(key)],
    )
    if not problem:
        state = {mapping.name: mapping.convert([released[key] for key in mapping.released]) for mapping in mappings}
        problem = describe_mismatch(state, network.state_dict())
    if problem:
        raise InputError(
            f"the checkpoint does not fit this network: {problem}. Pass an unmodified released checkpoint."
        )
    network.load_state_dict(state)


def check_same_action_units(prototypes: Tensor | None, au_set: ActionUnitSet) -> None:
    """Raise InputError if the checkpoint has a different number of action units than the set."""
    if prototypes is not None and len(prototypes) != len(au_set.aus):
        raise InputError(
            f"the checkpoint predicts {len(prototypes)} action units, but the network predicts {len(au_set.aus)} "
            f"({au_set.name}). Use the action unit set of the checkpoint."
        )


def check_same_backbone(released: Mapping[str, Tensor], backbone: Backbone, prefix: str) -> None:
    """Raise InputError if only one of checkpoint and network has a Swin Transformer as backbone."""
    is_swin = f"{prefix}.patch_embed.proj.weight" in released
    if any(key.startswith(f"{prefix}.") for key in released) and is_swin != backbone.is_swin:
        raise InputError(
            f"the backbone of the checkpoint is a {'Swin Transformer' if is_swin else 'ResNet'}, but that of the "
            f"network is a {type(backbone.model).__name__}. Use the backbone of the checkpoint."
        )


def backbone_mappings(backbone: Backbone, prefix: str) -> Iterator[TensorMapping]:
    """Yield timm's keys. Swin's patch merging ends a stage in the released code and starts the next one in timm."""
    for key in backbone.model.state_dict():
        released = re.sub(r"^layers\.(\d+)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", key)
        yield TensorMapping(f"backbone.model.{key}", [f"{prefix}.{released}"])


def linear_mappings(name: str, released: str) -> Iterator[TensorMapping]:
    """Yield the tensors of a linear layer, from a linear layer or a 1x1 convolution."""
    yield TensorMapping(f"{name}.weight", [f"{released}.weight"], lambda x: x[0].flatten(1))
    yield TensorMapping(f"{name}.bias", [f"{released}.bias"])


def norm_mappings(name: str, released: str) -> Iterator[TensorMapping]:
    """Yield the tensors of a batch normalization layer."""
    for tensor in NORM_TENSORS:
        yield TensorMapping(f"{name}.{tensor}", [f"{released}.{tensor}"])


def linear_block_mappings(name: str, linear: str, norm: str) -> Iterator[TensorMapping]:
    """Yield the tensors of a linear block."""
    yield from linear_mappings(f"{name}.linear", linear)
    yield from norm_mappings(f"{name}.norm", norm)


def stacked_block_mappings(name: str, blocks: Sequence[str]) -> Iterator[TensorMapping]:
    """Yield the tensors of one linear block from the separate blocks of several action units, concatenated."""
    for tensor in ("weight", "bias"):
        yield TensorMapping(f"{name}.linear.{tensor}", [f"{block}.fc.{tensor}" for block in blocks], torch.cat)
    for tensor in NORM_TENSORS:
        keys = [f"{block}.bn.{tensor}" for block in blocks]
        convert = first_tensor if tensor == "num_batches_tracked" else torch.cat
        yield TensorMapping(f"{name}.norm.{tensor}", keys, convert)
