"""What the labels of a data set are like: ``mdhr label-figures data=bp4d [out=folder]``, Figures 1 and 2.

Prints a table and leaves three pictures and their numbers in ``out``: ``label_distribution`` (active and inactive
frames of every action unit), ``co_occurrence`` and ``run_lengths``, each as png and csv. No image is opened.
"""

from io import BytesIO
from pathlib import Path

import pandas as pd
from hydra.utils import instantiate
from matplotlib.figure import Figure
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from mdhr.data.prepare_data import prepare
from mdhr.data.prepared.manifest import DESCRIPTION, Manifest
from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes, write_text
from mdhr.reporting.figures.label_figures import plot_co_occurrence, plot_label_distribution, plot_run_lengths
from mdhr.reporting.label_statistics import active_runs, co_occurrence, label_distribution, run_lengths
from mdhr.synthetic.generator import SETTINGS as RENDERING


def labels(cfg: DictConfig) -> pd.DataFrame:
    """Prepare the data set if it is not, write everything, and return ``label_distribution.csv`` as a table.

    Raises ``InputError`` if the data set cannot be read or ``out`` cannot be written to.
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
        raise InputError(f"cannot write to {out}: {error.strerror}; choose another out") from error
    write(out / "label_distribution", distribution, plot_label_distribution(
        distribution, title=f"{name}: active and inactive frames of every action unit", note=note))  # fmt: skip
    write(out / "run_lengths", lengths, plot_run_lengths(
        runs, lengths, fps=fps, title=f"{name}: how long an action unit stays active",
        note=f"{note}\nHeight: share of runs of that length; a run ends with its video"))  # fmt: skip
    write(out / "co_occurrence", together.reset_index(), plot_co_occurrence(
        together, distribution["rate"], title=f"{name}: which action units are active together",
        note=f"{note}\nPercent of frames with the row's action unit in which the column's is active too"))  # fmt: skip
    Console(width=100).print(terminal_table(distribution, title=name))
    print(f"{note}\npictures and csv are in {out}")
    return distribution


def describe_data_set(manifest: Manifest, distribution: pd.DataFrame) -> tuple[str, str]:
    """What a title calls the data set, and the line below it; rendered faces are called that."""
    table, au_set = manifest.table, manifest.au_set
    rendered = (manifest.root / RENDERING).is_file()
    name = f"{manifest.name} (rendered faces)" if rendered else manifest.name
    num_videos = len(table[["subject", "task"]].drop_duplicates())
    note = (
        f"{len(table):,} frames of {num_videos} videos of {table['subject'].nunique()} people, "
        f"{manifest.fps:.3g} a second; "
        f"on average {distribution['rate'].sum():.1f} of {len(au_set.aus)} action units are active"
    )
    if rendered:
        note += f"\nRendered faces with simulated labels of {au_set.name}'s action units; no real person is in them"
    return name, note


def terminal_table(distribution: pd.DataFrame, *, title: str) -> Table:
    """One row an action unit."""
    table = Table("", "", "active", "inactive", "unknown", "rate", "runs", "median", "mean", title=title)
    for column in table.columns[2:]:
        column.justify = "right"
    for row in distribution.itertuples():
        counts = (f"{count:,}" for count in (row.active, row.inactive, row.unknown))
        seconds = (f"{value:.1f} s" if row.runs else "-" for value in (row.median_seconds, row.mean_seconds))
        rate = f"{row.rate:.3f}" if row.rate >= 0 else "-"
        table.add_row(f"AU{row.au}", str(row.name), *counts, rate, f"{row.runs:,}", *seconds)
    return table


def write(stem: Path, numbers: pd.DataFrame, figure: Figure) -> None:
    """``stem.csv`` and ``stem.png``, each whole or not at all."""
    write_text(stem.with_suffix(".csv"), numbers.to_csv(index=False, float_format="%.6g"))
    picture = BytesIO()
    figure.savefig(picture, format="png")
    write_bytes(stem.with_suffix(".png"), picture.getvalue())
