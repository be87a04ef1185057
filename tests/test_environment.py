"""What pyproject.toml asks for, constraints.txt pins and environment.yml installs are one thing."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from itertools import chain

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = dict(PROJECT["optional-dependencies"])
APART = {name: EXTRAS.pop(name) for name in ("mediapipe", "ray", "ray-data")}
"""Extras that nobody gets without asking: they bring a second cv2, do not go with our other packages, or are large."""
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}


def _asked_for() -> list[Requirement]:
    return [Requirement(text) for text in chain(PROJECT["dependencies"], *EXTRAS.values())]


def _all_needed() -> Iterator[str]:
    """Names of what is asked for, of what that asks for, and so on, as installed here."""
    waiting = [
        requirement for requirement in _asked_for() if requirement.marker is None or requirement.marker.evaluate()
    ]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        yield key[0]
        for text in metadata.requires(requirement.name) or []:
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in requirement.extras | {""}):
                waiting.append(needed)


def test_constraints_are_plain_pins_in_order() -> None:
    """No addresses, no paths, no local builds: any index can serve them."""
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line) for line in LINES)
    assert sorted(set(LINES), key=str.lower) == LINES


@pytest.mark.parametrize("requirement", _asked_for(), ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_to_a_version_it_allows(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)], prereleases=True)


def test_nothing_that_is_needed_is_left_unpinned() -> None:
    assert set(_all_needed()) - set(PINS) == set()


@pytest.mark.parametrize("requirement", [*map(Requirement, chain(*APART.values()))], ids=lambda each: each.name)
def test_extras_kept_apart_pin_themselves(requirement: Requirement) -> None:
    assert [clause.operator for clause in requirement.specifier] == ["=="]
    assert canonicalize_name(requirement.name) not in PINS


def test_conda_installs_the_same_with_every_extra_not_kept_apart() -> None:
    *conda, pip = CONDA["dependencies"]
    python = next(entry.removeprefix("python=") for entry in conda if entry.startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)
    assert "pip" in conda
    assert "--constraint constraints.txt" in pip["pip"]
    editable = next(entry for entry in pip["pip"] if entry.startswith("--editable"))
    assert set(re.findall(r"\w+", editable.split("[")[1])) == set(EXTRAS)
    assert CONDA["name"] == PROJECT["name"]


def test_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
