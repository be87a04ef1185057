"""Patterns, adjacency and regions, against definitions written out anew and against the released lists."""

from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from mdhr.action_units import BP4D, DISFA, MISSING, ActionUnitSet, action_unit_set
from mdhr.action_units.regions import UPPER, RegionGroup
from mdhr.errors import InputError

BOTH = pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda s: s.name)
GROUPS = {"BP4D": ["1 2 4 7", "6", "12 14 15", "10 17 23 24"], "DISFA": ["1 2 4", "6 9", "12 25 26"]}
TABLE_1 = {"upper": {1, 2, 4, 7}, "middle": {6, 9}, "lower": {9, 10, 12, 14, 15, 17, 23, 24, 25, 26}}


def pattern_by_hand(occurrence: dict[int, int], aus: list[int]) -> int:
    """The group's occurrences read as one binary number."""
    return int("".join(str(occurrence[au]) for au in aus), base=2)


@BOTH
def test_groups_are_those_of_the_released_weights_and_of_table_1(au_set: ActionUnitSet) -> None:
    assert [" ".join(map(str, group.aus)) for group in au_set.groups] == GROUPS[au_set.name]
    for group in au_set.groups:
        assert set(group.aus) <= TABLE_1[group.region.name]


@BOTH
def test_pattern_is_a_binary_number_and_decodes_to_what_it_was(au_set: ActionUnitSet) -> None:
    every = torch.tensor(list(product((0, 1), repeat=len(au_set.aus))))
    patterns = au_set.region_pattern(every)
    for row in range(0, len(every), 37):
        occurrence = dict(zip(au_set.aus, every[row].tolist(), strict=True))
        groups = [[int(au) for au in group.split()] for group in GROUPS[au_set.name]]
        assert patterns[row].tolist() == [pattern_by_hand(occurrence, aus) for aus in groups]
    assert torch.equal(au_set.active_aus(patterns), every.bool())


@BOTH
def test_a_missing_action_unit_hides_its_own_group_only(au_set: ActionUnitSet) -> None:
    for n in range(len(au_set.aus)):
        occurrence = torch.ones(2, 3, len(au_set.aus), dtype=torch.int8)
        occurrence[..., n] = MISSING
        hidden = au_set.region_pattern(occurrence) == MISSING
        expected = torch.arange(len(au_set.groups)) == au_set.group_of[n]
        assert torch.equal(hidden, expected.expand(2, 3, -1))


@BOTH
def test_edges_join_different_groups(au_set: ActionUnitSet) -> None:
    edges = au_set.cross_region()
    for (i, au), (j, other) in product(enumerate(au_set.aus), repeat=2):
        together = any({au, other} <= set(map(int, group.split())) for group in GROUPS[au_set.name])
        assert edges[i, j].item() is not together
    assert torch.equal(edges, edges.T)


def test_the_two_lower_groups_of_bp4d_are_different_groups() -> None:
    edges, at = BP4D.cross_region(), BP4D.aus.index
    assert edges[at(12), at(17)]
    assert not edges[at(12), at(15)]


def test_regions_overlap_in_rows_two_and_four() -> None:
    rows = {group.region.name: list(range(7))[group.region.rows(7)] for group in BP4D.groups}
    assert rows == {"upper": [0, 1, 2], "middle": [2, 3, 4], "lower": [4, 5, 6]}


@pytest.mark.parametrize("height", range(1, 17))
def test_regions_are_rounded_outward_and_cover_the_face(height: int) -> None:
    covered: set[int] = set()
    for group in BP4D.groups:
        band = group.region
        touched = [r for r in range(height) if Fraction(r + 1, height) > band.top and Fraction(r, height) < band.bottom]
        assert list(range(height))[band.rows(height)] == touched
        covered |= set(touched)
    assert covered == set(range(height))


def test_columns_and_names() -> None:
    assert DISFA.columns == ("AU1", "AU2", "AU4", "AU6", "AU9", "AU12", "AU25", "AU26")
    assert action_unit_set("BP4D") is BP4D
    with pytest.raises(InputError, match="unknown action unit set 'BP5D': expected one of BP4D, DISFA"):
        action_unit_set("BP5D")


def test_action_unit_without_a_region_group_raises() -> None:
    with pytest.raises(ValueError, match="must belong to exactly one region group"):
        ActionUnitSet("odd", (1, 2), (RegionGroup("upper", UPPER, (1,)),), region_block=False)


@BOTH
@pytest.mark.parametrize("fold", [1, 2, 3])
@pytest.mark.parametrize("part", ["train", "test"])
def test_patterns_equal_the_released_lists_on_every_frame(
    au_set: ActionUnitSet, fold: int, part: str, shared: Path
) -> None:
    start = shared / "lists" / au_set.name / f"{au_set.name}_{part}"
    labels, patterns = (
        torch.from_numpy(np.loadtxt(f"{start}_{kind}_fold{fold}.txt", dtype=np.int64))
        for kind in ("label", "sub_label")
    )
    assert len(labels) > 40_000
    assert torch.equal(au_set.region_pattern(labels), patterns)
