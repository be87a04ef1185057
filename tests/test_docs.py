"""What README and docs point at exists."""

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "experiments").glob("*.md"))]
TARGETS = re.findall(r"^([a-z0-9%-]+):", (ROOT / "Makefile").read_text(), flags=re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links_exist(page: Path) -> None:
    text = page.read_text()
    paths = re.findall(r"`((?:src|conf|docs|tests|experiments|notebooks)/[\w./-]*)`", text)
    missing = [path for path in paths if not (ROOT / path).exists()]
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    missing += [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    named = set(
        re.findall(r"make ([a-z]+(?:-[a-z0-9]+)*)\b", " ".join(re.findall(r"`[^`]*`|```[^`]*```", page.read_text())))
    )
    known = {name for name in named for target in TARGETS if re.fullmatch(target.replace("%", ".+"), name)}
    assert named - known == set()
