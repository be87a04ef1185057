"""FACS codes, and action unit sets and region groups derived from them."""

from typing import Any

import pytest

from mdhr.action_units import ACTION_UNIT_SETS, action_unit_set, parse_action_unit_set
from mdhr.action_units.facs import AU_NAMES, ActionUnit, action_unit, au_column, au_name
from mdhr.action_units.regions import MAX_GROUP_SIZE, default_groups
from mdhr.errors import InputError


@pytest.mark.parametrize(
    ("code", "au", "column", "name"),
    [
        (12, 12, "AU12", "lip corner puller"),
        ("AU12", 12, "AU12", "lip corner puller"),
        ("au 04", 4, "AU4", "brow lowerer"),
        ("L12", "L12", "L12", "left lip corner puller"),
        ("AU14R", "R14", "R14", "right dimpler"),
        (45, 45, "AU45", "blink"),
    ],
)
def test_codes(code: Any, au: ActionUnit, column: str, name: str) -> None:
    assert (action_unit(code), au_column(au), au_name(au)) == (au, column, name)
    assert action_unit(column) == au


@pytest.mark.parametrize("code", [0, 3, 57, "AU99", "M12", "L12R", "smile", "", None, True, 1.5])
def test_other_codes_are_refused(code: Any) -> None:
    with pytest.raises(InputError, match="is not a facial action unit: expected"):
        action_unit(code)


@pytest.mark.parametrize("name", ACTION_UNIT_SETS)
def test_the_default_groups_are_those_of_the_released_weights(name: str) -> None:
    published = ACTION_UNIT_SETS[name]
    derived = action_unit_set("derived", published.aus)
    assert (derived.groups, derived.region_block) == (published.groups, published.region_block)


def test_groups_of_all_action_units_are_small_and_complete() -> None:
    groups = default_groups(sorted(AU_NAMES))
    assert sorted(au for group in groups for au in group.aus) == sorted(AU_NAMES)
    assert max(len(group.aus) for group in groups) <= MAX_GROUP_SIZE
    assert len({group.name for group in groups}) == len(groups)


def test_a_definition_is_read_back() -> None:
    one_sided = action_unit_set("lab", [1, 2, 4, 6, "AU9", "L12", "R12", 25, 45])
    assert one_sided.columns == ("AU1", "AU2", "AU4", "AU6", "AU9", "L12", "R12", "AU25", "AU45")
    own = action_unit_set("own", [1, 12], groups=[{"name": "all", "region": "lower", "aus": [12, 1]}])
    for au_set in (one_sided, own, *ACTION_UNIT_SETS.values()):
        assert parse_action_unit_set(au_set.definition) == au_set
    assert ACTION_UNIT_SETS["BP4D"].definition == "BP4D"


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("CK", "unknown action unit set 'CK': expected one of BP4D, DISFA"),
        ({"name": "x"}, "is not an action unit set"),
        ({"name": "x", "aus": []}, "expected at least one action unit, each once, not none"),
        ({"name": "x", "aus": [1, "AU1"]}, "each once, not 1, AU1"),
        ({"name": "x", "aus": [1], "groups": [{"name": "a", "region": "ear", "aus": [1]}]}, "upper, middle, lower"),
        ({"name": "x", "aus": [1, 2], "groups": [{"name": "a", "region": "upper", "aus": [1]}]}, "exactly one region"),
    ],
)
def test_invalid_definitions(definition: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_action_unit_set(definition)
