"""Figures of a data set's labels with their numbers: Figures 1 and 2 of the paper's supplement.

``label_distribution``, ``co_occurrence`` and ``run_lengths`` are written as png and csv. Images are not read.
"""

from pathlib import Path

import pandas as pd
from hydra.utils import instantiate
from matplotlib.figure import Figure
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from mdhr.action_units.facs import au_column
from mdhr.data.prepare_data import prepare
from mdhr.data.prepared.manifest import DESCRIPTION, Manifest
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.reporting.figures.label_figures import plot_co_occurrence, plot_label_distribution, plot_run_lengths
from mdhr.reporting.figures.titled_figure import write_figure
from mdhr.reporting.label_statistics import active_runs, co_occurrence, label_distribution, run_lengths
from mdhr.synthetic.generator import SETTINGS as RENDERING


def write_label_report(cfg: DictConfig) -> pd.DataFrame:
    """Write the figures and csv files to ``cfg.out``, print the label distribution and return it.

    The data set is prepared first if necessary.

    Raises ``InputError`` if the data set cannot be read or ``cfg.out`` cannot be written.
    """
    source = cfg.data.module.source
    if "prepare" in cfg.data and not (Path(source.root) / DESCRIPTION).is_file():
        prepare(cfg)
    manifest: Manifest = instantiate(source)(au_set=instantiate(cfg.data.au_set))
    table, au_set, fps = manifest.table, manifest.au_set, manifest.fps
    distribution = label_distribution(table, au_set, fps=fps)
    runs = active_runs(table, au_set)
    lengths = run_lengths(runs, fps=fps)
    together = co_occurrence(table, au_set)

    name, note = describe_data_set(manifest, distribution)
    out = Path(cfg.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out={out} cannot be written: {error.strerror}. Set out to another folder.") from error
    _write(out / "label_distribution", distribution, plot_label_distribution(
        distribution, title=f"{name}: active and inactive frames of each action unit", note=note))  # fmt: skip
    _write(out / "run_lengths", lengths, plot_run_lengths(
        runs, lengths, fps=fps, title=f"{name}: run lengths of active action units",
        note=f"{note}\nHeight: share of runs of that length. A run ends with its video."))  # fmt: skip
    _write(out / "co_occurrence", together.reset_index(), plot_co_occurrence(
        together, distribution["rate"], title=f"{name}: co-occurrence of action units",
        note=f"{note}\nIn %: frames in which the column's action unit is active, among frames in which the row's is"
    ))  # fmt: skip
    Console(width=100).print(terminal_table(distribution, title=name))
    print(f"{note}\nThe figures and csv files are in {out}.")
    return distribution


def describe_data_set(manifest: Manifest, distribution: pd.DataFrame) -> tuple[str, str]:
    """Return the name of the data set for titles and a note about its size, marking rendered faces."""
    table, au_set = manifest.table, manifest.au_set
    rendered = (manifest.root / RENDERING).is_file()
    name = f"{manifest.name} (rendered faces)" if rendered else manifest.name
    num_videos = len(table[["subject", "task"]].drop_duplicates())
    note = (
        f"{len(table):,} frames in {num_videos} videos of {table['subject'].nunique()} subjects at "
        f"{manifest.fps:.3g} frames/s; {distribution['rate'].sum():.1f} of {len(au_set.aus)} action units are active on "
        "average"
    )
    if rendered:
        note += f"\nRendered faces with simulated labels for the action units of {au_set.name}, no real people"
    return name, note


def terminal_table(distribution: pd.DataFrame, *, title: str) -> Table:
    """Return the label distribution for the terminal, one row per action unit."""
    table = Table("", "", "active", "inactive", "unknown", "rate", "runs", "median", "mean", title=title)
    for column in table.columns[2:]:
        column.justify = "right"
    for row in distribution.itertuples():
        counts = (f"{count:,}" for count in (row.active, row.inactive, row.unknown))
        seconds = (f"{value:.1f} s" if row.runs else "-" for value in (row.median_seconds, row.mean_seconds))
        rate = f"{row.rate:.3f}" if row.rate >= 0 else "-"
        table.add_row(au_column(row.au), str(row.name), *counts, rate, f"{row.runs:,}", *seconds)
    return table


def _write(stem: Path, numbers: pd.DataFrame, figure: Figure) -> None:
    """Write ``stem.csv`` and ``stem.png``."""
    write_text(stem.with_suffix(".csv"), numbers.to_csv(index=False, float_format="%.6g"))
    write_figure(stem.with_suffix(".png"), figure)
