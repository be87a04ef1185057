"""Content of ``experiments/`` for the HTML report, one experiment per table or figure of the paper.

``experiments/<experiment>/README.md`` describes an experiment; ``experiments/<experiment>/<data set>/`` contains its
results. Markdown files are rendered, images follow them, and csv files are added as collapsed tables.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from mdhr.data.provenance import INCOMPLETE, is_rendered
from mdhr.files.csv_files import read_csv
from mdhr.reporting.html_report.self_contained import file_data_uri, first_heading, markdown_html

EXPECTED = {
    "figure-1": ("Label distribution of BP4D's action units", "make figure-1"),
    "figure-2": ("Label distribution of DISFA's action units", "make figure-2"),
    "table-3": ("Table 3: F1 over k, the number of temporal neighbors", "make table-3"),
    "table-4": ("Table 4: F1 over lambda, the weight of the auxiliary loss", "make table-4"),
    "table-5": ("Table 5: size and cost", "make table-5"),
    "table-6": ("Table 6: ablation", "make table-6"),
    "me-graphau": ("Comparison of ME-GraphAU and MDHR", "make me-graphau"),
}
"""Title and command of every expected experiment by folder, in the order of the page. Other folders follow."""

IMAGES = (".png", ".jpg", ".jpeg")
_INCOMPLETE_NOTE = re.compile(rf"\b{INCOMPLETE}\b.*")
MAX_ROWS = 60


@dataclass(frozen=True)
class EmbeddedImage:
    """Image and caption."""

    caption: str
    source: str
    """``data:`` URI."""


@dataclass(frozen=True)
class CsvTable:
    """First rows of a csv file as text."""

    name: str
    columns: list[str]
    rows: list[list[str]]
    num_omitted: int
    """Number of rows beyond ``MAX_ROWS``."""


@dataclass(frozen=True)
class ResultFolder:
    """Content of one folder of an experiment, usually the results on one data set."""

    name: str
    folder: Path
    commit: str | None
    """Commit of the files; None if they differ from it or are not committed."""
    rendered: bool
    title: str | None
    text: Markup | None
    images: list[EmbeddedImage]
    csv_tables: list[CsvTable]
    csv_files: list[Path]
    """All csv files, including unreadable ones."""
    missing: list[str]
    """Missing runs according to the notes, and unreadable files."""


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper with its description, command and results."""

    anchor: str
    title: str
    command: str | None
    text: Markup | None
    results: list[ResultFolder]


def read_experiments(root: Path) -> list[Experiment]:
    """Return the experiments below ``root`` in the order of ``EXPECTED``, then by name."""
    available = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    names = [name for name in EXPECTED if name in available] + sorted(available - set(EXPECTED))
    anchors = {(root / name).resolve(): name for name in names}
    anchors |= {(root / name / "README.md").resolve(): name for name in names}
    experiments = (_read_experiment(root / name, anchors) for name in names)
    return [experiment for experiment in experiments if experiment.text or experiment.results]


def read_csv_table(path: Path) -> CsvTable:
    """Return a csv file as text with four digits; raises ``ValueError`` if it cannot be read."""
    table = read_csv(path)
    rows = [[as_text(value) for value in row] for row in table.head(MAX_ROWS).itertuples(index=False)]
    return CsvTable(path.name, [str(column) for column in table], rows, max(0, len(table) - MAX_ROWS))


def as_text(value: object) -> str:
    """Return a number with four digits; an empty text for NaN."""
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return str(value)


def _read_experiment(folder: Path, anchors: Mapping[Path, str]) -> Experiment:
    title, command = EXPECTED.get(folder.name, (None, None))
    readme, text, embedded = folder / "README.md", None, set[Path]()
    if readme.is_file():
        content = readme.read_text()
        text, embedded = markdown_html(content, folder=folder, anchors=anchors)
        title = title or first_heading(content)
    folders = sorted(path for path in (folder, *folder.rglob("*")) if path.is_dir())
    results = (
        _read_results(each, each.relative_to(folder).as_posix().lstrip("."), embedded, anchors) for each in folders
    )
    kept = [result for result in results if result.text or result.images or result.csv_tables or result.missing]
    return Experiment(folder.name, title or folder.name.replace("-", " "), command, text, kept)


def _read_results(folder: Path, name: str, embedded: set[Path], anchors: Mapping[Path, str]) -> ResultFolder:
    """Return the content of ``folder`` without its subfolders; images that a text embeds are omitted."""
    texts = [path.read_text() for path in sorted(folder.glob("*.md")) if name or path.name != "README.md"]
    html = [markdown_html(text, folder=folder, anchors=anchors) for text in texts]
    embedded = embedded.union(*(images for _, images in html))
    missing = [found for text in texts for found in _INCOMPLETE_NOTE.findall(text)]
    csv_tables, csv_files = [], sorted(folder.glob("*.csv"))
    for path in csv_files:
        try:
            csv_tables.append(read_csv_table(path))
        except (ValueError, OSError):  # the errors of pandas are ValueErrors
            missing.append(f"{path.name} cannot be read; it may be truncated. Write it again.")
    images = sorted(path for path in folder.iterdir() if path.suffix in IMAGES and path.resolve() not in embedded)
    return ResultFolder(
        name=name,
        folder=folder,
        commit=_commit(folder),
        rendered=is_rendered(name),
        title=next(filter(None, map(first_heading, texts)), None),
        text=Markup("").join(content for content, _ in html) if html else None,
        images=[EmbeddedImage(path.stem.replace("_", " "), file_data_uri(path)) for path in images],
        csv_tables=csv_tables,
        csv_files=csv_files,
        missing=missing,
    )


def _commit(folder: Path) -> str | None:
    """Return the last commit of the files of ``folder``, ten digits; None if the files differ from it."""
    changed = _git(folder, "status", "--porcelain", "--", ".")
    return None if changed is None or changed else _git(folder, "log", "-1", "--abbrev=10", "--format=%h", "--", ".")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
