"""Action unit sets and face regions.

Patterns, gates and adjacency are derived from :class:`ActionUnitSet`. Source: paper Table 1 and, where
the table is ambiguous, the layout of the released weights.

N action units, R region groups (legend of dimension letters: :mod:`mdhr.batch`).
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import torch
from torch import Tensor

from mdhr.errors import InputError, shown

MISSING = -1
"""Value of missing occurrence labels and region patterns."""


@dataclass(frozen=True)
class Region:
    """A horizontal band of the face, as fractions of the height of a feature map."""

    name: str
    top: Fraction
    bottom: Fraction

    def rows(self, height: int) -> slice:
        """Return the rows of a feature map with ``height`` rows that overlap the band, rounded outward."""
        return slice(self.top * height // 1, -(-self.bottom * height // 1))


UPPER = Region("upper", Fraction(0), Fraction(3, 7))
MIDDLE = Region("middle", Fraction(2, 7), Fraction(5, 7))
LOWER = Region("lower", Fraction(4, 7), Fraction(1))


@dataclass(frozen=True)
class RegionGroup:
    """Action units that are modeled jointly inside one region, most significant pattern bit first."""

    name: str
    region: Region
    aus: tuple[int, ...]

    @property
    def num_patterns(self) -> int:
        """Number of on/off combinations of the action units in the group."""
        return 2 ** len(self.aus)


@dataclass(frozen=True)
class ActionUnitSet:
    """Action units that a network predicts, in the order of its outputs, and their region groups.

    ``region_block`` adds a linear block per region group before the local stage, as the released network for BP4D has.

    Raises:
        ValueError: an action unit belongs to no region group or to several.
    """

    name: str
    aus: tuple[int, ...]
    groups: tuple[RegionGroup, ...]
    region_block: bool

    def __post_init__(self) -> None:
        grouped = [au for group in self.groups for au in group.aus]
        if sorted(grouped) != sorted(self.aus):
            raise ValueError(f"every action unit of {self.name} must belong to exactly one region group")

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names of the action units in tables: ``AU1``, ``AU2``, ..."""
        return tuple(f"AU{au}" for au in self.aus)

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


def action_unit_set(name: str) -> ActionUnitSet:
    """Return the action unit set of that name.

    Raises:
        InputError: no such set.
    """
    if not isinstance(name, str) or name not in ACTION_UNIT_SETS:
        raise InputError(f"unknown action unit set {shown(name)!r}: expected one of {', '.join(ACTION_UNIT_SETS)}.")
    return ACTION_UNIT_SETS[name]


AU_NAMES = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    12: "lip corner puller",
    14: "dimpler",
    15: "lip corner depressor",
    17: "chin raiser",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
}
"""Names of the action units in the Facial Action Coding System."""
