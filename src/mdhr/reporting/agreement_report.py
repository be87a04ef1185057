"""Agreement of two coders, or of a coder and a model: ``mdhr agreement A B``, see docs/agreement.md."""

import argparse
import sys
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mdhr.data.codes.mapping import read_mapping
from mdhr.data.codes.settings import CodeSettings
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.folder_lock import locked_folder
from mdhr.files.text_tables import markdown_page, percent
from mdhr.reporting.agreement_inputs import PREDICTIONS, find_sources, pair_sources
from mdhr.reporting.agreement_pairs import read_pairs
from mdhr.reporting.agreement_table import MEAN, agreement_table, bootstrap_unit
from mdhr.reporting.figures.agreement_figure import plot_agreement
from mdhr.reporting.figures.titled_figure import write_figure

STEM = "agreement"
MAX_LINES = 10
"""Problems of the code files that are printed."""
WIDTH = 130
"""Characters of the printed table."""
TITLE = "Agreement of A and B"


def report_agreement(arguments: argparse.Namespace) -> pd.DataFrame:
    """Print the table of the agreement, write it to files if ``--out`` is given, and return it.

    Args:
        arguments: parsed by ``mdhr.commands.agreement``.

    Raises ``InputError`` if an argument or a file is wrong.
    """
    path_a, path_b = Path(arguments.a), Path(arguments.b or arguments.a)
    if arguments.b is None and not (path_a / PREDICTIONS).is_file():
        raise InputError(
            f"B is missing, and {path_a} is not a run folder, whose labels could be compared. Pass A and B."
        )
    options = {"subject": arguments.subject, "threshold": arguments.threshold}
    a = find_sources(path_a, labels=arguments.b is None, **options)
    b = find_sources(path_b, **options)
    paired = pair_sources(a, b)
    settings = CodeSettings(
        mapping=read_mapping(arguments.mapping) if arguments.mapping else {},
        threshold=arguments.intensity_threshold,
        first_frame=arguments.first_frame,
    )
    pairs, columns, problems = read_pairs(paired, fps=arguments.fps, settings=settings)
    table = agreement_table(pairs, columns, tolerance=arguments.tolerance, seed=arguments.seed)
    for line in problems[:MAX_LINES]:
        print(line, file=sys.stderr)
    if len(problems) > MAX_LINES:
        print(f"and {len(problems) - MAX_LINES} more problems", file=sys.stderr)
    unit = bootstrap_unit(pairs)
    num_subjects = len({pair.subject for pair in pairs})
    subjects = f" of {num_subjects} subjects" if num_subjects > 1 else ""
    videos = f"{len(pairs)} video{'s' * (len(pairs) != 1)}{subjects}"
    if left_out := len(a) + len(b) - 2 * len(pairs):
        videos += f"; {left_out} without a counterpart left out"
    kind = f"95 % bootstrap over {unit}s, seed {arguments.seed}" if unit else "none, because there is one video"
    name_a = f"labels of {path_a}" if arguments.b is None else str(path_a)
    notes = [
        f"A: {name_a}. B: {path_b}.",
        f"{videos}. Intervals: {kind}.",
        f"Events match if they overlap after widening by {arguments.tolerance:g} s. Precision: share of B's events with "
        "a match; recall: share of A's.",
    ]
    Console(width=WIDTH).print(terminal_table(table))
    print("\n".join(notes))
    if arguments.out:
        out = Path(arguments.out)
        with locked_folder(out, setting="--out"):
            write_text(out / f"{STEM}.csv", table.to_csv(index=False, float_format="%.6g"))
            write_text(out / f"{STEM}.md", markdown_page(_text_table(table), title=TITLE, notes=notes))
            write_figure(out / f"{STEM}.png", plot_agreement(table, title=TITLE, note="\n".join(notes[:2])))
        print(f"{STEM}.csv, {STEM}.md and {STEM}.png are in {out}.")
    return table


def terminal_table(table: pd.DataFrame) -> Table:
    """Return the agreement for the terminal, one row per action unit; the mean is in bold."""
    cells = _text_table(table)
    printed = Table(*cells.columns, title=TITLE, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in printed.columns[1:]:
        column.justify = "right"
    for row in cells.itertuples(index=False):
        printed.add_row(*row, style="bold" if row[0] == MEAN else None)
    return printed


def _text_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the cells as text; ICC only if there are intensities."""
    cells = {"": table["au"], "frames": table["frames"].map("{:,.0f}".format)}
    cells |= {"A %": table["rate_a"].map(percent), "B %": table["rate_b"].map(percent)}
    cells["bias"] = table["bias"].map(lambda value: f"{100 * value:+.1f}")
    for name, title in (("f1", "F1"), ("kappa", "kappa"), ("ac1", "AC1"), ("icc", "ICC(3,1)")):
        if name != "icc" or table["icc"].notna().any():
            cells[title] = [
                _with_interval(*row) for row in table[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False)
            ]
    cells["events A/B"] = [f"{a:.0f}/{b:.0f}" for a, b in zip(table["events_a"], table["events_b"], strict=True)]
    for name, title in (("event_precision", "precision"), ("event_recall", "recall")):
        cells[title] = table[name].map(_two_digits)
    return pd.DataFrame(cells)


def _two_digits(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"


def _with_interval(value: float, low: float, high: float) -> str:
    return _two_digits(value) + ("" if pd.isna(low) else f" ({_two_digits(low)}, {_two_digits(high)})")
