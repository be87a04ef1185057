"""Checks of settings that come from a file and may be written by a stranger.

The ``_target_`` of a node is compared with a list of allowed names and is never imported. All other values must be
plain: numbers, flags and names.
"""

from collections.abc import Collection, Mapping
from typing import Any

from mdhr.errors import InputError


def checked_node(settings: Any, where: str, allowed: Collection[str]) -> dict[str, Any]:
    """Return a copy of a node; raises ``InputError`` unless its ``_target_`` is one of ``allowed``.

    ``where`` is the dotted name of the node for the message.
    """
    target = settings.get("_target_") if isinstance(settings, Mapping) else None
    if target not in allowed:
        raise InputError(f"{where}._target_={target} is not allowed: expected {' or '.join(allowed)}")
    return dict(settings)


def plain_values(node: Mapping[str, Any], where: str, *, lists: bool = False) -> dict[str, Any]:
    """Return a copy of a node; raises ``InputError`` for values that are not plain.

    ``lists`` also allows lists of numbers.
    """
    for key, value in node.items():
        if lists and isinstance(value, list) and all(isinstance(item, int | float) for item in value):
            continue
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise InputError(f"{where}.{key} is a {type(value).__name__}: expected a number, a flag or a name")
    return dict(node)
