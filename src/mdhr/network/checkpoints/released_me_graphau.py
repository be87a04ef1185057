"""Checkpoints of the released ME-GraphAU code (https://github.com/CVI-SZU/ME-GraphAU).

The authors published checkpoints of stage 2, one for every fold of BP4D and DISFA, with ResNet-50 and Swin-Base.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from torch import Tensor

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
from mdhr.network.me_graphau.me_graphau import MEGraphAU

LAYER_NAMES = {"self_proj": "U", "message_proj": "V", "dst_proj": "A", "src_proj": "B", "edge_proj": "E"}
"""Names of the linear layers of a gated graph convolution in the released code."""


def load_released_me_graphau(network: MEGraphAU, path: str | Path) -> None:
    """Load a checkpoint file of the released code into the network.

    Raises:
        InputError: the file does not exist, cannot be read without unpickling code, or does not fit the network.
    """
    load_released_file(path, partial(load_released_me_graphau_state, network))


def load_released_me_graphau_state(network: MEGraphAU, checkpoint: Mapping) -> None:
    """Load a checkpoint of the released code into the network.

    Args:
        network: ME-GraphAU of the stage of the checkpoint.
        checkpoint: state dict, or content of a file that :func:`unwrap_state_dict` accepts.

    Raises:
        InputError: the checkpoint is not a state dict or does not fit the network.
    """
    released = unwrap_state_dict(checkpoint)
    check_not_open_graph_au(released)
    check_same_action_units(released.get("head.sc"), network.au_set)
    check_same_backbone(released, network.backbone, "backbone")
    stage = 2 if "head.edge_fc.weight" in released else 1
    if "head.sc" in released and stage != network.stage:
        raise InputError(
            f"the checkpoint is of stage {stage}, but the network is of stage {network.stage}. "
            f"Set network.stage={stage}."
        )
    load_mapped(network, released, list(me_graphau_mappings(network)))


def check_not_open_graph_au(released: Mapping[str, Tensor]) -> None:
    """Raise InputError if the checkpoint is of OpenGraphAU, which is based on ME-GraphAU and has 41 action units."""
    prototypes = [released.get(f"head.{kind}_sc") for kind in ("main", "sub")]
    if all(x is not None for x in prototypes):
        main, sub = (len(x) for x in prototypes if x is not None)
        raise InputError(
            f"a checkpoint of OpenGraphAU, which predicts {main + sub} action units ({main} main, {sub} left or right). "
            "Only checkpoints of MDHR and ME-GraphAU are supported."
        )


def me_graphau_mappings(network: MEGraphAU) -> Iterator[TensorMapping]:
    """Yield one mapping for every tensor of the network."""
    yield from backbone_mappings(network.backbone, "backbone")
    yield from linear_block_mappings("static", "global_linear.fc", "global_linear.bn")
    yield from stacked_block_mappings(
        "au_features", [f"head.class_linears.{n}" for n in range(len(network.au_set.aus))]
    )
    yield TensorMapping("similarity.prototypes", ["head.sc"])
    if network.stage == 1:
        yield from linear_mappings("graph.self_proj", "head.gnn.U")
        yield from linear_mappings("graph.message_proj", "head.gnn.V")
        yield from norm_mappings("graph.norm", "head.gnn.bnv")
        return
    for attention, released in (("face_attention", "FAM"), ("pair_attention", "ARM")):
        for role in ("query", "key", "value"):
            name = f"edge_features.{attention}.{role}_proj"
            yield from linear_mappings(name, f"head.edge_extractor.{released}.linear_{role[0]}")
    yield from linear_mappings("edge_features.linear", "head.edge_extractor.edge_proj")
    yield from norm_mappings("edge_features.norm", "head.edge_extractor.bn")
    for i in range(len(network.layers)):
        for name, released in LAYER_NAMES.items():
            yield TensorMapping(f"layers.{i}.{name}.weight", [f"head.gnn.{released}{i + 1}.weight"])
        yield from norm_mappings(f"layers.{i}.node_norm", f"head.gnn.bnv{i + 1}")
        yield from norm_mappings(f"layers.{i}.edge_norm", f"head.gnn.bne{i + 1}")
    yield from linear_mappings("edge_head", "head.edge_fc")
