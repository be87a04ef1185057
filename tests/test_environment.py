"""What pyproject.toml asks for, constraints.txt pins and environment.yml installs are one thing."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, TOOLS = SETTINGS["project"], SETTINGS["tool"]
EXTRAS: dict[str, list[str]] = dict(PROJECT["optional-dependencies"])
APART = {name: EXTRAS.pop(name) for name in ("mediapipe", "ray", "ray-data")}
"""Extras that nobody gets without asking: they bring a second cv2, do not go with our other packages, or are large."""
PYTHONS = [text.rsplit(" ", 1)[1] for text in PROJECT["classifiers"] if "Python :: 3." in text]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}


def _asked_for() -> list[Requirement]:
    return [Requirement(text) for text in chain(PROJECT["dependencies"], *EXTRAS.values())]


def _all_needed(python: str) -> Iterator[str]:
    """Names of what is asked for, of what that asks for, and so on, with this version of Python."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    waiting = [each for each in _asked_for() if each.marker is None or each.marker.evaluate(environment)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        yield key[0]
        for text in _requirements(requirement.name):
            needed = Requirement(text)
            extras = requirement.extras | {""}
            if needed.marker is None or any(needed.marker.evaluate({**environment, "extra": e}) for e in extras):
                waiting.append(needed)


def _requirements(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # only another version of Python needs it
        return []


def _differs_between_pythons(name: str) -> bool:
    """Whether a package has another wheel for each version of Python; True if it is not installed here."""
    try:
        wheel = metadata.distribution(name).read_text("WHEEL") or ""
    except metadata.PackageNotFoundError:
        return True
    return not re.search(r"^Tag: ((py2\.)?py3-none|cp3(\d|1[01])-abi3)-", wheel, flags=re.M)


def test_constraints_are_plain_pins_in_order() -> None:
    """No addresses, no paths, no local builds: any index can serve them."""
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line) for line in LINES)
    assert sorted(set(LINES), key=str.lower) == LINES


@pytest.mark.parametrize("requirement", _asked_for(), ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_to_a_version_it_allows(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)], prereleases=True)


@pytest.mark.parametrize("python", PYTHONS)
def test_nothing_that_is_needed_is_left_unpinned(python: str) -> None:
    assert set(_all_needed(python)) - set(PINS) == set()


def test_every_python_is_declared_in_the_same_way() -> None:
    assert PYTHONS == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}", "no upper bound"
    assert TOOLS["mypy"]["python_version"] == PYTHONS[0], "newer syntax is an error"
    names = re.search(r"for name in (.*); do", (ROOT / "Makefile").read_text())
    assert names is not None
    assert names[1].split() == [*(f"python{version}" for version in PYTHONS), "python3"]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_pinned_package_accepts_every_python(python: str) -> None:
    required = {each.name: each.metadata["Requires-Python"] for each in metadata.distributions()}
    refusing = [name for name, text in required.items() if not SpecifierSet(text or "").contains(f"{python}.9")]
    assert set(map(canonicalize_name, refusing)) & set(_all_needed(python)) == set()


@pytest.fixture(scope="session")
def new_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a pip that resolves without downloading packages, which older ones do."""
    folder = tmp_path_factory.mktemp("pip")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "pip>=26"]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("the package index cannot be reached")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="wheels of another platform")
@pytest.mark.parametrize("python", [each for each in PYTHONS if each != f"3.{sys.version_info.minor}"])
def test_every_pin_has_a_wheel_for_the_other_pythons(python: str, new_pip: Path) -> None:
    """Pins that have one wheel for all versions of Python are left out; those for this version are installed."""
    pins = [f"{name}=={PINS[name]}" for name in sorted(set(_all_needed(python))) if _differs_between_pythons(name)]
    assert f"torch=={PINS['torch']}" in pins
    target = ["--python-version", python, "--only-binary=:all:", "--target", str(new_pip / "none")]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", *target, *pins]
    resolved = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(new_pip)}, timeout=500
    )
    assert resolved.returncode == 0, resolved.stderr


@pytest.mark.parametrize("requirement", [*map(Requirement, chain(*APART.values()))], ids=lambda each: each.name)
def test_extras_kept_apart_pin_themselves(requirement: Requirement) -> None:
    assert [clause.operator for clause in requirement.specifier] == ["=="]
    assert canonicalize_name(requirement.name) not in PINS


def test_conda_installs_the_same_with_every_extra_not_kept_apart() -> None:
    *conda, pip = CONDA["dependencies"]
    python = next(entry.removeprefix("python=") for entry in conda if entry.startswith("python="))
    assert python in PYTHONS
    assert "pip" in conda
    assert "--constraint constraints.txt" in pip["pip"]
    editable = next(entry for entry in pip["pip"] if entry.startswith("--editable"))
    assert set(re.findall(r"\w+", editable.split("[")[1])) == set(EXTRAS)
    assert CONDA["name"] == PROJECT["name"]


def test_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
