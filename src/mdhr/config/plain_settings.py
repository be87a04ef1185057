"""Checks of settings that come from a file and may be written by a stranger.

The ``_target_`` of a node is compared with a list of allowed names and is never imported. All other values must be
plain: numbers, flags and names.
"""

from collections.abc import Collection, Mapping
from typing import Any

from mdhr.action_units import ActionUnitSet, parse_action_unit_set
from mdhr.errors import InputError, shown

AU_SET = "mdhr.action_units.action_unit_set"
MAX_LIST = 64
"""Length of the longest list of numbers."""
MAX_CLIP_PIXELS = 2**27
"""Pixels of the largest clip, T S S: 2048 frames of 256 x 256 pixels; their feature maps have some gigabytes."""


def checked_node(settings: Any, where: str, allowed: Collection[str]) -> dict[str, Any]:
    """Return a copy of a node; raises ``InputError`` unless its ``_target_`` is one of ``allowed``.

    ``where`` is the dotted name of the node for the message.
    """
    target = settings.get("_target_") if isinstance(settings, Mapping) else None
    if not isinstance(target, str) or target not in allowed:
        raise InputError(f"{where}._target_={shown(target)} is not allowed: expected {' or '.join(allowed)}")
    return dict(settings)


def checked_au_set(settings: Any, where: str) -> ActionUnitSet:
    """Return the action unit set that a node of settings describes; raises ``InputError`` if it is invalid."""
    node = checked_node(settings, where, (AU_SET,))
    del node["_target_"]
    return parse_action_unit_set(node["name"] if set(node) == {"name"} else node)


def au_set_node(au_set: ActionUnitSet) -> dict[str, Any]:
    """Return the node of settings from which :func:`checked_au_set` returns the set."""
    definition = au_set.definition
    return {"_target_": AU_SET, **({"name": definition} if isinstance(definition, str) else definition)}


def plain_values(node: Mapping[str, Any], where: str, *, lists: bool = False) -> dict[str, Any]:
    """Return a copy of a node; raises ``InputError`` for values that are not plain, and for names that are not text.

    ``lists`` also allows lists of numbers. Integers must fit into 64 bits.
    """
    for key, value in node.items():
        name = f"{where}.{shown(key)}"
        if not isinstance(key, str):
            raise InputError(f"{name} is not a setting: its name is not text")
        if lists and isinstance(value, list) and len(value) <= MAX_LIST and all(map(_is_number, value)):
            continue
        if isinstance(value, int) and not _is_number(value):
            raise InputError(f"{name}={shown(value)} is out of range")
        if not (value is None or isinstance(value, str) or _is_number(value)):
            raise InputError(f"{name} is a {type(value).__name__}: expected a number, a flag or a name")
    return dict(node)


def check_clip_size(num_frames: int, crop_size: int) -> None:
    """Raise ``InputError`` if clips of ``num_frames`` times ``crop_size`` squared pixels may not fit into memory."""
    if not 0 <= num_frames * crop_size**2 <= MAX_CLIP_PIXELS:  # also true for NaN
        raise InputError(
            f"num_frames={shown(num_frames)} with crop_size={shown(crop_size)} is out of range: expected at most "
            f"{MAX_CLIP_PIXELS:,} pixels per clip"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)
