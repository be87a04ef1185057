"""Table of the action unit sets in ``conf/data/au_set``, and the figure of a set: ``mdhr au-sets``."""

from collections.abc import Mapping
from pathlib import Path

from mdhr.action_units import ActionUnitSet
from mdhr.config.composition import CONF
from mdhr.config.plain_settings import checked_au_set
from mdhr.errors import InputError, shown, suggestion
from mdhr.files.yaml_files import read_yaml
from mdhr.reporting.figures.au_regions import plot_regions

FIGURE_SUFFIXES = (".png", ".pdf", ".svg")


def configured_sets(folder: Path = CONF / "data" / "au_set") -> dict[str, ActionUnitSet]:
    """Return the sets by the names of their files, which ``data/au_set=...`` takes."""
    return {file.stem: checked_au_set(read_yaml(file), file.name) for file in sorted(folder.glob("*.yaml"))}


def au_set_table(sets: Mapping[str, ActionUnitSet]) -> str:
    """Return one paragraph per set: action units, and region groups with their numbers of patterns."""
    paragraphs = []
    for file, au_set in sets.items():
        lines = [f"data/au_set={file}  {au_set.name}, {len(au_set.aus)} action units: {_joined(au_set.aus)}"]
        lines += [
            f"  {group.name:<10} {_joined(group.aus):<16} {group.num_patterns:>3} patterns" for group in au_set.groups
        ]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def configured_set(name: str) -> ActionUnitSet:
    """Return one of :func:`configured_sets`; raises ``InputError`` for an unknown name."""
    sets = configured_sets()
    if name not in sets:
        raise InputError(f"there is no action unit set {shown(name)}{suggestion(name, list(sets))}")
    return sets[name]


def write_au_set_figure(au_set: ActionUnitSet, file: Path) -> None:
    """Write the figure of a set; raises ``InputError`` for an unknown file type."""
    if file.suffix not in FIGURE_SUFFIXES:
        raise InputError(f"--figure {file}: expected a file that ends in {', '.join(FIGURE_SUFFIXES)}.")
    file.parent.mkdir(parents=True, exist_ok=True)
    plot_regions(au_set).savefig(file, dpi=150)


def _joined(aus: tuple[int | str, ...]) -> str:
    return " ".join(map(str, aus))
