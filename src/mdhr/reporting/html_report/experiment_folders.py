"""What ``experiments/`` holds, in the form that the page shows: one exhibit a table or figure of the paper.

``experiments/<exhibit>/README.md`` tells of it, ``experiments/<exhibit>/<data set>/`` holds tables and pictures:
a ``.md`` is shown as it is, pictures below it, and a ``.csv`` as a table that is folded away beside a ``.md``.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from mdhr.data.provenance import INCOMPLETE, is_rendered
from mdhr.reporting.html_report.self_contained import data_uri, first_heading, markdown_html

EXPECTED = {
    "figure-1": ("Label distribution: BP4D's action units", "make figure-1"),
    "figure-2": ("Label distribution: DISFA's action units", "make figure-2"),
    "table-3": ("Table 3: how many neighbors in time, k", "make table-3"),
    "table-4": ("Table 4: the weight of the auxiliary loss, lambda", "make table-4"),
    "table-5": ("Table 5: size and cost", "make table-5"),
    "table-6": ("Table 6: the network and its ablated variants", "make table-6"),
    "me-graphau": ("ME-GraphAU against MDHR", "make me-graphau"),
}
"""Folder, title and command of what the page should hold, in its order; what else is there comes after."""

PICTURES = (".png", ".jpg", ".jpeg")
_NOT_WHOLE = re.compile(rf"\b(?:{INCOMPLETE}|MISSING)\b.*")
MOST_ROWS = 60


@dataclass(frozen=True)
class Picture:
    """A picture and what is written below it."""

    caption: str
    source: str


@dataclass(frozen=True)
class Numbers:
    """A csv file as a table of text; ``more`` rows are left to the file."""

    name: str
    columns: list[str]
    rows: list[list[str]]
    more: int


@dataclass(frozen=True)
class Part:
    """What one folder of an exhibit holds, most often of one data set."""

    name: str
    folder: Path
    commit: str | None
    """That its files are of; None where they differ from every commit."""
    rendered: bool
    title: str | None
    text: Markup | None
    pictures: list[Picture]
    numbers: list[Numbers]
    tables: list[Path]
    """The csv files, those that cannot be read among them."""
    missing: list[str]
    """What its text calls not complete."""


@dataclass(frozen=True)
class Experiment:
    """A table or figure: what it is about, how it is made, and what was measured."""

    anchor: str
    title: str
    command: str | None
    text: Markup | None
    parts: list[Part]


def read_experiments(root: Path) -> list[Experiment]:
    """Everything below ``root``, in the order of ``EXPECTED``, then by name."""
    there = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    names = [name for name in EXPECTED if name in there] + sorted(there - set(EXPECTED))
    anchors = {(root / name).resolve(): name for name in names}
    anchors |= {(root / name / "README.md").resolve(): name for name in names}
    exhibits = (_exhibit(root / name, anchors) for name in names)
    return [exhibit for exhibit in exhibits if exhibit.text or exhibit.parts]


def read_csv_table(path: Path) -> Numbers:
    """A csv as text, numbers with four digits; raises ``ValueError`` if it cannot be read."""
    table = pd.read_csv(path)
    rows = [[as_text(value) for value in row] for row in table.head(MOST_ROWS).itertuples(index=False)]
    return Numbers(path.name, [str(column) for column in table], rows, max(0, len(table) - MOST_ROWS))


def as_text(value: object) -> str:
    """Four digits of a number; nothing for NaN."""
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return str(value)


def _exhibit(folder: Path, anchors: Mapping[Path, str]) -> Experiment:
    title, command = EXPECTED.get(folder.name, (None, None))
    readme, text, shown = folder / "README.md", None, set[Path]()
    if readme.is_file():
        content = readme.read_text()
        text, shown = markdown_html(content, folder=folder, anchors=anchors)
        title = title or first_heading(content)
    folders = sorted(path for path in (folder, *folder.rglob("*")) if path.is_dir())
    parts = (_part(each, each.relative_to(folder).as_posix().lstrip("."), shown, anchors) for each in folders)
    held = [part for part in parts if part.text or part.pictures or part.numbers or part.missing]
    return Experiment(folder.name, title or folder.name.replace("-", " "), command, text, held)


def _part(folder: Path, name: str, shown: set[Path], anchors: Mapping[Path, str]) -> Part:
    """What lies in ``folder`` itself; pictures that a text shows already are left out."""
    texts = [path.read_text() for path in sorted(folder.glob("*.md")) if name or path.name != "README.md"]
    html = [markdown_html(text, folder=folder, anchors=anchors) for text in texts]
    shown = shown.union(*(pictures for _, pictures in html))
    missing = [found for text in texts for found in _NOT_WHOLE.findall(text)]
    numbers, tables = [], sorted(folder.glob("*.csv"))
    for path in tables:
        try:
            numbers.append(read_csv_table(path))
        except (ValueError, OSError):  # pandas' errors are of the first kind
            missing.append(f"{path.name} cannot be read, it may be cut short: make it again")
    pictures = sorted(path for path in folder.iterdir() if path.suffix in PICTURES and path.resolve() not in shown)
    return Part(
        name=name,
        folder=folder,
        commit=_commit(folder),
        rendered=is_rendered(name),
        title=next(filter(None, map(first_heading, texts)), None),
        text=Markup("").join(part for part, _ in html) if html else None,
        pictures=[Picture(path.stem.replace("_", " "), data_uri(path)) for path in pictures],
        numbers=numbers,
        tables=tables,
        missing=missing,
    )


def _commit(folder: Path) -> str | None:
    """Ten digits of the commit that last changed the files of ``folder``; None if they are not as it has them."""
    changed = _git(folder, "status", "--porcelain", "--", ".")
    return None if changed is None or changed else _git(folder, "log", "-1", "--abbrev=10", "--format=%h", "--", ".")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
