"""Networks from the recorded settings of a run or an exported model.

The settings may come from a stranger: nothing that they name is imported or called, see
:mod:`mdhr.config.plain_settings`.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
from torch import nn

from mdhr.action_units import action_unit_set
from mdhr.config.plain_settings import checked_node, plain_values
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone
from mdhr.network.checkpoints.timm_weights import first_line
from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU

NETWORKS: dict[str, type[nn.Module]] = {
    "mdhr.network.mdhr.MDHR": MDHR,
    "mdhr.network.me_graphau.me_graphau.MEGraphAU": MEGraphAU,
}
BACKBONE = "mdhr.network.backbone.Backbone"
AU_SET = "mdhr.action_units.action_unit_set"

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
    au_set = checked_node(network.pop("au_set", None), "network.au_set", (AU_SET,))
    options = backbone.pop("options", None)
    if "weights" in network:
        network["weights"] = None
    safe = {
        **plain_values(network, "network"),
        "backbone": {**plain_values(backbone, "network.backbone"), **_NO_WEIGHTS},
        "au_set": plain_values(au_set, "network.au_set"),
    }
    if options is not None:
        safe["backbone"]["options"] = _options(options)
    return safe


def build_network(settings: Any, *, where: Path) -> nn.Module:
    """Return the network that the node ``network`` of ``settings`` describes, with random weights.

    Raises ``InputError`` that starts with the file name ``where`` for settings that are not allowed
    (:func:`network_settings`) or that do not fit together.
    """
    try:
        safe = network_settings(settings.get("network") if isinstance(settings, Mapping) else None)
        kind, backbone = NETWORKS[safe.pop("_target_")], safe.pop("backbone")
        del backbone["_target_"]
        au_set = action_unit_set(safe.pop("au_set").get("name"))
        return kind(backbone=Backbone(**backbone), au_set=au_set, **safe)
    except Exception as error:  # constructors raise errors of any type for values that they do not expect
        raise InputError(f"{where}: {first_line(error)}") from error


def _options(options: Any) -> dict[str, Any]:
    """Return the arguments of the timm model: numbers, flags, and lists of them."""
    if not isinstance(options, Mapping):
        raise InputError(f"network.backbone.options is a {type(options).__name__}: expected names with values")
    for key, value in options.items():
        numbers = value if isinstance(value, list) else [value]
        if key in _TIMM_ARGUMENTS or not all(number is None or isinstance(number, int | float) for number in numbers):
            raise InputError(f"network.backbone.options.{key} is not allowed: expected numbers that set the shape")
    return dict(options)
