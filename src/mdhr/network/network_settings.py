"""Networks from the recorded settings of a run or an exported model.

The settings may come from a stranger: nothing that they name is imported or called, see
:mod:`mdhr.config.plain_settings`.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from mdhr.config.argument_check import check_arguments
from mdhr.config.plain_settings import (
    MAX_LIST,
    au_set_node,
    check_clip_size,
    checked_au_set,
    checked_node,
    plain_values,
)
from mdhr.errors import InputError, shown
from mdhr.network.backbone import Backbone
from mdhr.network.checkpoints.timm_weights import first_line
from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU

NETWORKS: dict[str, type[nn.Module]] = {
    "mdhr.network.mdhr.MDHR": MDHR,
    "mdhr.network.me_graphau.me_graphau.MEGraphAU": MEGraphAU,
}
BACKBONE = "mdhr.network.backbone.Backbone"

MAX_PARAMETERS = 1_000_000_000
"""Parameters of the largest network that is built, ten times those of the networks of the paper."""
MAX_OPTION = 4096
"""Largest number in ``backbone.options``: channels, and blocks, of which each takes a millisecond to build."""

_NO_WEIGHTS = {"pretrained": False, "weights": None, "activation_checkpointing": False}
"""The checkpoint of the model contains all weights, and the model is not trained further."""
_TIMM_ARGUMENTS = frozenset(inspect.signature(timm.create_model).parameters)
"""Arguments that select the files that timm reads; ``backbone.options`` may only set the shape of the model."""


def network_settings(settings: Any) -> dict[str, Any]:
    """Return the node ``network`` of resolved settings without initial weights, safe to build and to store.

    Raises ``InputError`` for a ``_target_`` other than our networks, and for values that are not plain.
    """
    network = checked_node(settings, "network", NETWORKS)
    backbone = checked_node(network.pop("backbone", None), "network.backbone", (BACKBONE,))
    au_set = checked_au_set(network.pop("au_set", None), "network.au_set")
    options = backbone.pop("options", None)
    if "weights" in network:
        network["weights"] = None
    safe = {
        **plain_values(network, "network"),
        "backbone": {**plain_values(backbone, "network.backbone"), **_NO_WEIGHTS},
        "au_set": au_set_node(au_set),
    }
    if options is not None:
        safe["backbone"]["options"] = _options(options)
    check_clip_size(1, backbone.get("input_size", 0))
    return safe


def build_network(settings: Any, *, where: Path) -> nn.Module:
    """Return the network that the node ``network`` of ``settings`` describes, with random weights.

    Raises ``InputError`` that starts with the file name ``where`` for settings that are not allowed
    (:func:`network_settings`) or that do not fit together.
    """
    try:
        safe = network_settings(settings.get("network") if isinstance(settings, Mapping) else None)
        with torch.device("meta"):  # tensors without memory
            num_parameters = sum(parameter.numel() for parameter in _build(safe).parameters())
        if num_parameters > MAX_PARAMETERS:
            raise InputError(
                f"the network has {num_parameters:,} parameters, more than the limit of {MAX_PARAMETERS:,}"
            )
        return _build(safe)
    except Exception as error:  # constructors raise errors of any type for values that they do not expect
        raise InputError(f"{where}: {shown(first_line(error), limit=300)}") from error


def _build(safe: Mapping[str, Any]) -> nn.Module:
    """Return the network of settings that :func:`network_settings` has checked."""
    arguments = dict(safe)
    kind, backbone = NETWORKS[arguments.pop("_target_")], dict(arguments.pop("backbone"))
    del backbone["_target_"]
    au_set = checked_au_set(arguments.pop("au_set"), "network.au_set")
    check_arguments(Backbone, backbone, where="network.backbone")
    check_arguments(kind, arguments, where="network")
    return kind(backbone=Backbone(**backbone), au_set=au_set, **arguments)


def _is_shape(number: Any) -> bool:
    return number is None or (isinstance(number, int | float) and abs(number) <= MAX_OPTION)


def _options(options: Any) -> dict[str, Any]:
    """Return the arguments of the timm model: numbers, flags, and lists of them."""
    if not isinstance(options, Mapping):
        raise InputError(f"network.backbone.options is a {type(options).__name__}: expected names with values")
    for key, value in options.items():
        numbers = value if isinstance(value, list) else [value]
        allowed = len(numbers) <= MAX_LIST and all(map(_is_shape, numbers))
        if key in _TIMM_ARGUMENTS or not isinstance(key, str) or not allowed:
            raise InputError(
                f"network.backbone.options.{shown(key)} is not allowed: expected numbers up to {MAX_OPTION} "
                "that set the shape"
            )
    return dict(options)
