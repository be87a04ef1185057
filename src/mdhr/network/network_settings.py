"""From the settings that a model was trained with to its network, without calling anything that they name.

The settings may come from a stranger. ``_target_`` is compared with a list and never looked up, and every other value
has to be a number, a flag or a name.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
from torch import nn

from mdhr.action_units import action_unit_set
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

_NO_WEIGHTS = {"pretrained": False, "weights": None, "recompute": False}
"""The model's own file holds all weights, and it learns no more."""
_OF_TIMM = frozenset(inspect.signature(timm.create_model).parameters)
"""Arguments that say where timm reads a model from; a backbone's options are about its shape alone."""


def network_settings(settings: Any) -> dict[str, Any]:
    """The settings of a network from ``conf/network``, resolved, as they are safe to build and to store.

    No weights are read but the model's own. Raises ``InputError`` for a ``_target_`` that no model needs, and for
    values that are no numbers, flags or names.
    """
    network = _node(settings, "network", tuple(NETWORKS))
    backbone = _node(network.pop("backbone", None), "network.backbone", (BACKBONE,))
    au_set = _node(network.pop("au_set", None), "network.au_set", (AU_SET,))
    options = backbone.pop("options", None)
    if "weights" in network:
        network["weights"] = None
    safe = {**_plain(network, "network"), "backbone": {**_plain(backbone, "network.backbone"), **_NO_WEIGHTS}}
    safe["au_set"] = _plain(au_set, "network.au_set")
    if options is not None:
        safe["backbone"]["options"] = _options(options)
    return safe


def build_network(settings: Any, *, where: Path) -> nn.Module:
    """The network, with random weights, that the entry ``network`` of these settings describes.

    Raises ``InputError`` that names the file ``where`` they are from, as :func:`network_settings`, and where no network
    is like this.
    """
    try:
        safe = network_settings(settings.get("network") if isinstance(settings, Mapping) else None)
        kind, backbone = NETWORKS[safe.pop("_target_")], safe.pop("backbone")
        del backbone["_target_"]
        au_set = action_unit_set(safe.pop("au_set").get("name"))
        return kind(backbone=Backbone(**backbone), au_set=au_set, **safe)
    except Exception as error:  # whatever a constructor says to a value it does not know
        raise InputError(f"{where}: {first_line(error)}") from error


def _node(settings: Any, where: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    target = settings.get("_target_") if isinstance(settings, Mapping) else None
    if target not in allowed:
        raise InputError(f"{where}._target_={target} is none of {', '.join(allowed)}: nothing of it was called")
    return dict(settings)


def _plain(node: Mapping[str, Any], where: str) -> dict[str, Any]:
    for key, value in node.items():
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise InputError(f"{where}.{key} is a {type(value).__name__}: a model's settings are numbers and names")
    return dict(node)


def _options(options: Any) -> dict[str, Any]:
    """Arguments of the timm model: numbers, flags, lists of them."""
    if not isinstance(options, Mapping):
        raise InputError("network.backbone.options are no names with values")
    for key, value in options.items():
        numbers = value if isinstance(value, list) else [value]
        if key in _OF_TIMM or not all(number is None or isinstance(number, int | float) for number in numbers):
            raise InputError(f"network.backbone.options.{key}: a model's options are numbers of its shape alone")
    return dict(options)
