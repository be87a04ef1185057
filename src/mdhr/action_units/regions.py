"""Regions of the face and groups of action units inside them (paper, Table 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from mdhr.action_units.facs import FACE_PARTS, ActionUnit, face_part


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
REGIONS = {region.name: region for region in (UPPER, MIDDLE, LOWER)}
MAX_GROUP_SIZE = 4
"""Most action units in a default group, so that a group has at most 16 patterns."""


@dataclass(frozen=True)
class RegionGroup:
    """Action units that are modeled jointly inside one region, most significant pattern bit first."""

    name: str
    region: Region
    aus: tuple[ActionUnit, ...]

    @property
    def num_patterns(self) -> int:
        """Number of on/off combinations of the action units in the group."""
        return 2 ** len(self.aus)


def default_groups(aus: Sequence[ActionUnit]) -> tuple[RegionGroup, ...]:
    """Return the region groups of action units, at most ``MAX_GROUP_SIZE`` each.

    A region with more action units is split by :data:`mdhr.action_units.facs.FACE_PARTS`. Neighboring parts stay together
    as far as they fit. This rule yields the groups of the released weights for BP4D and DISFA.
    """
    groups = []
    for region in REGIONS.values():
        parts = [[au for au in aus if face_part(au) == part] for part in FACE_PARTS if part.region == region.name]
        members = [au for au in aus if face_part(au).region == region.name]
        chunks = [members] if len(members) <= MAX_GROUP_SIZE else _merge([c for part in parts for c in _split(part)])
        for letter, chunk in zip("abcdefghij", chunks, strict=False):
            if chunk:
                name = region.name if len(chunks) == 1 else f"{region.name}-{letter}"
                groups.append(RegionGroup(name, region, tuple(chunk)))
    return tuple(groups)


def _split(part: list[ActionUnit]) -> list[list[ActionUnit]]:
    """Return consecutive chunks of about equal size with at most ``MAX_GROUP_SIZE`` action units."""
    num_chunks = -(-len(part) // MAX_GROUP_SIZE)
    return [part[len(part) * i // num_chunks : len(part) * (i + 1) // num_chunks] for i in range(num_chunks)]


def _merge(parts: list[list[ActionUnit]]) -> list[list[ActionUnit]]:
    merged: list[list[ActionUnit]] = []
    for part in parts:
        if merged and len(merged[-1]) + len(part) <= MAX_GROUP_SIZE:
            merged[-1] = merged[-1] + part
        else:
            merged.append(part)
    return merged
