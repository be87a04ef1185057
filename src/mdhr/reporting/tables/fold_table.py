"""Table of a cross-validation: F1 of each action unit and fold in percent, their means, and the paper's row.

The mean of a fold is taken over action units and the overall mean over folds, as in section 4 of the paper.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from mdhr.data.provenance import INCOMPLETE, PROTOCOLS, RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.files.text_tables import markdown_page
from mdhr.reporting.paper_results import PaperRow

MEAN = "mean F1"
BASELINE = "always-positive F1"
_MEANS = {"f1_mean": MEAN, "baseline_f1_mean": BASELINE, "auc_mean": "mean AUC", "accuracy_mean": "mean accuracy"}
_COMMON = ("data", "au_set", "protocol", "seed", "threshold")

Records = Mapping[int, Mapping[str, Any] | None]
"""Contents of ``metrics.json`` by fold number; None for a fold without a result."""


def fold_table(records: Records, paper: PaperRow | None = None) -> pd.DataFrame:
    """Return the table in percent, NaN where a value is missing.

    Rows are ``AU1``, ... and the means. Columns are ``fold 1``, ..., ``mean`` and, if ``paper`` is given, ``paper`` and
    ``difference``.

    Raises ``InputError`` if no fold has a result or if the records belong to different experiments.
    """
    first = _common_record(records)
    table = pd.DataFrame({f"fold {fold}": _column(record, list(first["f1"])) for fold, record in records.items()})
    table["mean"] = table.mean(axis=1)  # over the available folds
    if paper is not None:
        table["paper"] = pd.Series({**paper.f1, MEAN: paper.mean})
        table["difference"] = table["mean"] - table["paper"]
    return table


def fold_title(name: str, records: Records) -> str:
    """Return the title of the table."""
    first = _common_record(records)
    folds = f"fold{'s' if len(records) > 1 else ''} {', '.join(map(str, records))}"
    return f"{name} on {first['data']}, F1 in %: protocol {first['protocol']}, {folds}, seed {first['seed']}"


def fold_notes(records: Records, paper: PaperRow | None = None) -> list[str]:
    """Return the notes below the table: protocol, missing folds, data and source of the paper's row."""
    first = _common_record(records)
    missing = [str(fold) for fold, record in records.items() if record is None]
    notes = [f"{PROTOCOLS[first['protocol']]}; threshold {first['threshold']:g}"]
    chosen = [record["at_thresholds"]["f1_mean"] for record in records.values() if record and "at_thresholds" in record]
    if chosen and None not in chosen:
        notes.append(
            f"thresholds per action unit with the largest F1 on the validation split: mean F1 {100 * np.mean(chosen):.1f}"
        )
    if missing:
        available = len(records) - len(missing)
        folds = f"fold{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        notes.append(f"{INCOMPLETE}: no result for {folds}; means are over {available} of {len(records)} folds")
    if is_rendered(first["data"]):
        notes.append(RENDERED)
    if paper is not None:
        other = "" if first["protocol"] == "paper" else ", which is less strict than the protocol of this table"
        notes.append(f"paper: {paper.name}, {paper.source}, mean of 3 folds, protocol paper{other}")
    return notes


def as_markdown(table: pd.DataFrame, *, title: str, notes: list[str]) -> str:
    """Return the table as a Markdown page."""
    rows = [[name, *cells] for name, cells in _cells(table)]
    return markdown_page(pd.DataFrame(rows, columns=["", *table.columns]), title=title, notes=notes)


def as_terminal_table(table: pd.DataFrame) -> Table:
    """Return the table for a terminal of 80 columns."""
    shown = Table("")
    for column in table.columns:
        shown.add_column(column, justify="right", style="bold" if column == "mean" else None)
    for name, cells in _cells(table):
        if name in (MEAN, BASELINE):
            shown.add_section()
        shown.add_row(name, *cells, style="bold" if name == MEAN else None)
    return shown


def _column(record: Mapping[str, Any] | None, aus: list[str]) -> pd.Series:
    """Return the values of one fold in percent."""
    values = {} if record is None else {**record["f1"], **{row: record[key] for key, row in _MEANS.items()}}
    return 100 * pd.Series(values, index=[*aus, *_MEANS.values()], dtype=float)


def _common_record(records: Records) -> Mapping[str, Any]:
    """Return the first record; raises ``InputError`` unless all records agree in what folds have in common."""
    available = {fold: record for fold, record in records.items() if record is not None}
    if not available:
        raise InputError("no fold has a result, so there is no table. Run at least one fold to its end.")
    (first_fold, first), *others = available.items()
    for fold, record in others:
        for key in _COMMON:
            if record[key] != first[key]:
                raise InputError(
                    f"fold {first_fold} has {key}={first[key]}, fold {fold} has {key}={record[key]}: the folds belong "
                    "to different experiments. Run all folds with the same settings."
                )
    return first


def _cells(table: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the name and the formatted values of every row, with one decimal as in the paper."""
    signed = {"difference": "{:+.1f}"}
    return [
        (str(name), ["-" if pd.isna(x) else signed.get(str(c), "{:.1f}").format(x) for c, x in row.items()])
        for name, row in table.iterrows()
    ]
