"""Action units of the Facial Action Coding System (Ekman, Friesen and Hager 2002): numbers, names, parts of the face.

An action unit is an integer, such as 12, or a text with a side for one-sided coding, such as ``L12`` or ``R12``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mdhr.errors import InputError, shown

ActionUnit = int | str

_CODE = re.compile(r"(?:AU\s*)?(?P<side>[LR]?)0*(?P<number>[1-9]\d?)(?P<after>[LR]?)", re.IGNORECASE)
_SIDES = {"L": "left", "R": "right"}


@dataclass(frozen=True)
class FacePart:
    """Part of the face with the action units that show there."""

    name: str
    region: str
    """Name of the region of the network: upper, middle or lower."""
    au_names: dict[int, str]


FACE_PARTS = (
    FacePart("brows", "upper", {1: "inner brow raiser", 2: "outer brow raiser", 4: "brow lowerer"}),
    FacePart(
        "lids",
        "upper",
        {
            5: "upper lid raiser",
            7: "lid tightener",
            41: "lid droop",
            42: "slit",
            43: "eyes closed",
            44: "squint",
            45: "blink",
            46: "wink",
        },
    ),
    FacePart(
        "cheeks and nose",
        "middle",
        {
            6: "cheek raiser",
            9: "nose wrinkler",
            11: "nasolabial deepener",
            38: "nostril dilator",
            39: "nostril compressor",
        },
    ),
    FacePart(
        "mouth corners",
        "lower",
        {
            12: "lip corner puller",
            13: "sharp lip puller",
            14: "dimpler",
            15: "lip corner depressor",
            20: "lip stretcher",
        },
    ),
    FacePart(
        "lips and chin",
        "lower",
        {
            8: "lips toward each other",
            10: "upper lip raiser",
            16: "lower lip depressor",
            17: "chin raiser",
            18: "lip pucker",
            22: "lip funneler",
            23: "lip tightener",
            24: "lip pressor",
            28: "lip suck",
            32: "lip bite",
            37: "lip wipe",
        },
    ),
    FacePart(
        "jaw and tongue",
        "lower",
        {
            19: "tongue show",
            25: "lips part",
            26: "jaw drop",
            27: "mouth stretch",
            29: "jaw thrust",
            30: "jaw sideways",
            31: "jaw clencher",
            36: "tongue bulge",
        },
    ),
    FacePart(
        "lower cheeks and neck",
        "lower",
        {21: "neck tightener", 33: "cheek blow", 34: "cheek puff", 35: "cheek suck"},
    ),
)
"""Every facial action unit once. Head and eye positions (51 to 69) are not facial action units."""

AU_NAMES = {au: name for part in FACE_PARTS for au, name in part.au_names.items()}
"""Names of the two-sided action units."""


def action_unit(code: Any) -> ActionUnit:
    """Return the action unit of a code such as ``12``, ``AU12``, ``au 12``, ``L12`` or ``AU12R``.

    Raises:
        InputError: the code is not a facial action unit.
    """
    match = _CODE.fullmatch(str(code).strip()) if isinstance(code, int | str) and not isinstance(code, bool) else None
    if match is None or int(match["number"]) not in AU_NAMES or (match["side"] and match["after"]):
        raise InputError(
            f"{shown(code)!r} is not a facial action unit: expected a FACS number from {min(AU_NAMES)} to {max(AU_NAMES)} "
            "such as 12 or AU12, with a side such as L12 or R12 for one-sided coding."
        )
    side = (match["side"] or match["after"]).upper()
    return f"{side}{int(match['number'])}" if side else int(match["number"])


def au_number(au: ActionUnit) -> int:
    """Return the FACS number without side."""
    return au if isinstance(au, int) else int(au[1:])


def au_column(au: ActionUnit) -> str:
    """Return the column name in tables: ``AU12``, ``L12``."""
    return f"AU{au}" if isinstance(au, int) else au


def au_name(au: ActionUnit) -> str:
    """Return the name, such as ``lip corner puller`` or ``left lip corner puller``."""
    name = AU_NAMES[au_number(au)]
    return name if isinstance(au, int) else f"{_SIDES[au[0]]} {name}"


def face_part(au: ActionUnit) -> FacePart:
    """Return the part of the face where the action unit shows."""
    return next(part for part in FACE_PARTS if au_number(au) in part.au_names)


def sorted_aus(aus: Iterable[ActionUnit]) -> tuple[ActionUnit, ...]:
    """Return the action units ordered by number, two-sided before left and right."""
    return tuple(sorted(aus, key=lambda au: (au_number(au), str(au)[0] if isinstance(au, str) else "")))
