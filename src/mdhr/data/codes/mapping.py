"""Names of tiers, behaviors and columns, and the action units that they stand for.

A mapping file is YAML with one name per line::

    smile: AU12
    Duchenne smile: [6, 12]
    speech: null      # ignored
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mdhr.action_units.facs import ActionUnit, action_unit
from mdhr.errors import InputError, shown
from mdhr.files.regular_file import read_regular

NameMapping = Mapping[str, tuple[ActionUnit, ...]]
_INTENSITY = re.compile(r"(.*\d[LR]?)\s*[ _-]?([A-E])", re.IGNORECASE)
_LETTERS = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}


def read_mapping(path: str | Path) -> NameMapping:
    """Return the action units of every name, in lower case. Raises ``InputError`` if the file is not such a mapping."""
    try:
        content = yaml.safe_load(read_regular(path))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not a YAML file: {shown(' '.join(str(error).split()))}") from error
    return parse_mapping(content, where=str(path))


def parse_mapping(content: Any, *, where: str) -> NameMapping:
    """Return the action units of every name, in lower case, from a plain dictionary; see :func:`read_mapping`."""
    if not hasattr(content, "items"):
        raise InputError(f"{where}: expected one line per name, such as 'smile: AU12', not {shown(content)}")
    mapping: dict[str, tuple[ActionUnit, ...]] = {}
    for name, value in content.items():
        codes = [] if value is None else value if isinstance(value, list) else [value]
        try:
            mapping[_key(str(name))] = tuple(action_unit(code) for code in codes)
        except InputError as error:
            raise InputError(f"{where}: {shown(str(name))}: {error}") from error
    return mapping


def parse_codes(text: str, mapping: NameMapping) -> list[tuple[ActionUnit, int | None]] | None:
    """Return action units and intensities of a name such as ``smile``, ``AU12``, ``12C`` or ``6+12``.

    Returns None if the name is unknown, and an empty list if the mapping ignores it.
    """
    if (mapped := mapping.get(_key(text))) is not None:
        return [(au, None) for au in mapped]
    codes: list[tuple[ActionUnit, int | None]] = []
    for part in re.split(r"[+&]", text):
        match = _INTENSITY.fullmatch(part.strip())
        code, level = (match[1].strip(), _LETTERS[match[2].upper()]) if match else (part, None)
        try:
            codes.append((action_unit(code), level))
        except InputError:
            return None
    return codes


def parse_intensity(text: str) -> int | None:
    """Return the intensity 0 to 5 of ``0`` to ``5`` or ``A`` to ``E``; None for any other text."""
    text = text.strip().upper()
    if text in _LETTERS:
        return _LETTERS[text]
    return int(text) if re.fullmatch(r"[0-5]", text) else None


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
