"""Action units of FACS, face regions, and the sets of action units that networks predict."""

from mdhr.action_units.sets import (
    ACTION_UNIT_SETS,
    BP4D,
    DISFA,
    MISSING,
    ActionUnitSet,
    action_unit_set,
    parse_action_unit_set,
)

__all__ = [
    "ACTION_UNIT_SETS",
    "BP4D",
    "DISFA",
    "MISSING",
    "ActionUnitSet",
    "action_unit_set",
    "parse_action_unit_set",
]
