"""Public checkpoints of ME-GraphAU (https://github.com/CVI-SZU/ME-GraphAU), loaded into this network.

The authors give those of stage 2, one for every fold of BP4D and DISFA, with ResNet-50 and Swin-Base.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

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
from mdhr.network.me_graphau.me_graphau import MEGraphAU

LAYER_NAMES = {"own": "U", "heard": "V", "end": "A", "start": "B", "edge": "E"}
"""What the released code calls the linear maps of a gated graph convolution."""


def load_me_graphau(network: MEGraphAU, path: str | Path) -> None:
    """Fill the network from a checkpoint file of the released code.

    Raises
    ------
    InputError: no such file, not readable without unpickling code, or the checkpoint of another stage, action unit set
        or backbone; missing and unexpected keys are named.
    """
    checkpoint = read_released(path)
    try:
        load_me_graphau_state(network, checkpoint)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def load_me_graphau_state(network: MEGraphAU, checkpoint: Mapping) -> None:
    """Fill the network from a checkpoint; its dict may sit under ``state_dict``, its keys may begin with ``module.``.

    Raises
    ------
    InputError: see :func:`load_me_graphau`.
    """
    released = plain_keys(checkpoint)
    check_same_action_units(released.get("head.sc"), network.au_set)
    check_same_backbone(released, network.backbone, "backbone")
    stage = 2 if "head.edge_fc.weight" in released else 1
    if "head.sc" in released and stage != network.stage:
        raise InputError(f"the checkpoint is of stage {stage}, the network of stage {network.stage}: set stage={stage}")
    fill(network, released, list(me_graphau_rules(network)))


def me_graphau_rules(network: MEGraphAU) -> Iterator[Rule]:
    """One rule for every tensor of the network."""
    yield from backbone_rules(network.backbone, "backbone")
    yield from block_rules("static", "global_linear.fc", "global_linear.bn")
    yield from side_by_side_rules("au_maps", [f"head.class_linears.{n}" for n in range(len(network.au_set.aus))])
    yield Rule("similarity.anchors", ["head.sc"])
    if network.stage == 1:
        yield from linear_rules("graph.own", "head.gnn.U")
        yield from linear_rules("graph.heard", "head.gnn.V")
        yield from norm_rules("graph.norm", "head.gnn.bnv")
        return
    for ours, theirs in (("in_face", "FAM"), ("in_pair", "ARM")):
        for name in ("query", "key", "value"):
            yield from linear_rules(f"edge_features.{ours}.{name}", f"head.edge_extractor.{theirs}.linear_{name[0]}")
    yield from linear_rules("edge_features.linear", "head.edge_extractor.edge_proj")
    yield from norm_rules("edge_features.norm", "head.edge_extractor.bn")
    for i in range(len(network.layers)):
        for ours, theirs in LAYER_NAMES.items():
            yield Rule(f"layers.{i}.{ours}.weight", [f"head.gnn.{theirs}{i + 1}.weight"])
        yield from norm_rules(f"layers.{i}.node_norm", f"head.gnn.bnv{i + 1}")
        yield from norm_rules(f"layers.{i}.edge_norm", f"head.gnn.bne{i + 1}")
    yield from linear_rules("edge_head", "head.edge_fc")
