"""Action unit sets and face regions.

Patterns, gates and adjacency are derived from :class:`ActionUnitSet`. Source: paper Table 1 and, where
the table is ambiguous, the layout of the released weights.

N action units, R region groups (legend of dimension letters: :mod:`mdhr.batch`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mdhr.action_units.facs import ActionUnit, action_unit, au_column
from mdhr.action_units.regions import LOWER, MIDDLE, REGIONS, UPPER, RegionGroup, default_groups
from mdhr.errors import InputError, shown

MISSING = -1
"""Value of missing occurrence labels and region patterns."""
MAX_NAME = 60
"""Characters of the longest name of a set."""
_DEFINITION_KEYS = {"name", "aus", "groups", "region_block"}


@dataclass(frozen=True)
class ActionUnitSet:
    """Action units that a network predicts, in the order of its outputs, and their region groups.

    ``region_block`` adds a linear block per region group before the local stage, as the released network for BP4D has.

    Raises:
        ValueError: an action unit belongs to no region group or to several.
    """

    name: str
    aus: tuple[ActionUnit, ...]
    groups: tuple[RegionGroup, ...]
    region_block: bool

    def __post_init__(self) -> None:
        grouped = [au for group in self.groups for au in group.aus]
        if Counter(grouped) != Counter(self.aus):
            raise ValueError(f"every action unit of {self.name} must belong to exactly one region group")

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names of the action units in tables: ``AU1``, ``L12``, ..."""
        return tuple(au_column(au) for au in self.aus)

    @property
    def definition(self) -> str | dict[str, Any]:
        """Plain value from which :func:`parse_action_unit_set` returns this set: its name, if the set is published."""
        if ACTION_UNIT_SETS.get(self.name) == self:
            return self.name
        groups = [{"name": g.name, "region": g.region.name, "aus": list(g.aus)} for g in self.groups]
        return {"name": self.name, "aus": list(self.aus), "groups": groups, "region_block": self.region_block}

    def same_outputs(self, other: "ActionUnitSet") -> bool:
        """Return whether networks for both sets have the same outputs: the sets are equal except for their names."""
        return replace(self, name=other.name) == other

    @cached_property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """For every region group, the indices of its action units in ``aus``, most significant bit first."""
        return tuple(tuple(self.aus.index(au) for au in group.aus) for group in self.groups)

    @cached_property
    def group_of(self) -> tuple[int, ...]:
        """For every action unit, the index of its region group in ``groups``."""
        return tuple(next(r for r, g in enumerate(self.groups) if au in g.aus) for au in self.aus)

    @cached_property
    def _place_values(self) -> Tensor:
        """``N R`` int64: bit value of an action unit in the pattern of its region group, 0 for other groups."""
        values = torch.zeros(len(self.aus), len(self.groups), dtype=torch.int64)
        for r, members in enumerate(self.members):
            values[list(members), r] = _bit_values(len(members), values.device)
        return values

    def region_pattern(self, occurrence: Tensor) -> Tensor:
        """Return the pattern of every region group, or ``MISSING`` if an action unit of the group is missing.

        Args:
            occurrence: ``... N`` with values 0, 1 and ``MISSING``.

        Returns:
            ``... R`` int64.
        """
        bits, values = occurrence.long()[..., None], self._place_values.to(occurrence.device)
        missing = ((bits == MISSING) & (values > 0)).any(-2)
        return (bits * values).sum(-2).masked_fill(missing, MISSING)

    def active_aus(self, patterns: Tensor) -> Tensor:
        """Return the occurrence ``... N`` (bool) of all action units from patterns ``... R``."""
        active = torch.empty(*patterns.shape[:-1], len(self.aus), dtype=torch.bool, device=patterns.device)
        for r, members in enumerate(self.members):
            bits = patterns[..., r, None] & _bit_values(len(members), patterns.device)
            active[..., list(members)] = bits != 0
        return active

    def cross_region(self) -> Tensor:
        """Return ``N N`` bool: true for two action units of different region groups."""
        group = torch.tensor(self.group_of)
        return group[:, None] != group[None, :]


def _bit_values(num_bits: int, device: torch.device) -> Tensor:
    """Return ``2^(n-1), ..., 2, 1`` for n bits."""
    return 2 ** torch.arange(num_bits - 1, -1, -1, device=device)


BP4D = ActionUnitSet(
    name="BP4D",
    aus=(1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
    groups=(
        RegionGroup("upper", UPPER, (1, 2, 4, 7)),
        RegionGroup("middle", MIDDLE, (6,)),
        RegionGroup("lower-a", LOWER, (12, 14, 15)),
        RegionGroup("lower-b", LOWER, (10, 17, 23, 24)),
    ),
    region_block=True,
)

DISFA = ActionUnitSet(
    name="DISFA",
    aus=(1, 2, 4, 6, 9, 12, 25, 26),
    groups=(
        RegionGroup("upper", UPPER, (1, 2, 4)),
        RegionGroup("middle", MIDDLE, (6, 9)),
        RegionGroup("lower", LOWER, (12, 25, 26)),
    ),
    region_block=False,
)

ACTION_UNIT_SETS = {au_set.name: au_set for au_set in (BP4D, DISFA)}


def action_unit_set(
    name: str,
    aus: Sequence[ActionUnit] | None = None,
    groups: Sequence[dict[str, Any]] | None = None,
    region_block: bool | None = None,
) -> ActionUnitSet:
    """Return a published action unit set by its name, or a new set.

    Args:
        aus: action units of a new set, in the order of the network's outputs; see :func:`mdhr.action_units.facs.action_unit`.
        groups: region groups of a new set, with the keys ``name``, ``region`` (upper, middle, lower) and ``aus``. None
            uses :func:`default_groups`.
        region_block: see :class:`ActionUnitSet`. None adds it if a region has several groups, as for BP4D.

    Raises:
        InputError: no such set, or an invalid definition.
    """
    if aus is None:
        if not isinstance(name, str) or name not in ACTION_UNIT_SETS:
            raise InputError(
                f"unknown action unit set {shown(name)!r}: expected one of {', '.join(ACTION_UNIT_SETS)}, or pass the "
                "action units of a new set with data.au_set.aus=[1,2,4,...]."
            )
        return ACTION_UNIT_SETS[name]
    where = f"action unit set {shown(name)!r}"
    if not (isinstance(name, str) and name.isprintable() and len(name) <= MAX_NAME):
        raise InputError(f"{where}: expected a name of one line with at most {MAX_NAME} characters.")
    if not _is_list(aus) or not (groups is None or _is_list(groups)):
        raise InputError(f"{where}: expected lists of action units and groups, such as data.au_set.aus=[1,2,12].")
    parsed = tuple(action_unit(au) for au in aus)
    if not parsed or len(set(parsed)) < len(parsed):
        raise InputError(
            f"{where}: expected at least one action unit, each once, not {', '.join(map(str, aus)) or 'none'}."
        )
    chosen = default_groups(parsed) if groups is None else tuple(_parse_group(group, where) for group in groups)
    if region_block is None:
        region_block = len({group.region for group in chosen}) < len(chosen)
    try:
        au_set = ActionUnitSet(name=name, aus=parsed, groups=chosen, region_block=region_block)
    except ValueError as error:
        raise InputError(
            f"{where}: {error}. Correct data.au_set.groups, or leave it out for the default groups."
        ) from error
    if ACTION_UNIT_SETS.get(name, au_set) != au_set:
        raise InputError(f"{where}: this name belongs to a published set with other action units or groups. Rename it.")
    return au_set


def parse_action_unit_set(definition: str | dict[str, Any]) -> ActionUnitSet:
    """Return the set of a value of :attr:`ActionUnitSet.definition`. Raises ``InputError`` if it is invalid."""
    if isinstance(definition, str):
        return action_unit_set(definition)
    if not isinstance(definition, dict) or not {"name", "aus"} <= set(definition) <= _DEFINITION_KEYS:
        raise InputError(f"{shown(definition)!r} is not an action unit set: expected a name, or name, aus and groups.")
    return action_unit_set(**definition)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _parse_group(group: Any, where: str) -> RegionGroup:
    keys = {"name", "region", "aus"}
    is_node = hasattr(group, "keys") and set(group.keys()) == keys
    if not is_node or group["region"] not in list(REGIONS) or not _is_list(group["aus"]):
        raise InputError(
            f"{where}: region group {shown(group)!r} is invalid: expected the keys name, region "
            f"({', '.join(REGIONS)}) and aus."
        )
    return RegionGroup(str(group["name"]), REGIONS[group["region"]], tuple(action_unit(au) for au in group["aus"]))
