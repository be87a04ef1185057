"""One table of all folds: F1 per action unit and fold, their means, and a row of the paper beside them. All in percent.

The mean of a fold is over action units, the mean of all is over folds: the paper's way (section 4).
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from mdhr.data.provenance import PROTOCOLS, RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.reporting.paper_results import PaperRow

MEAN = "mean F1"
_MEANS = {"f1_mean": MEAN, "baseline_f1_mean": "F1 always on", "auc_mean": "mean AUC", "accuracy_mean": "mean accuracy"}
_SAME = ("data", "au_set", "protocol", "seed", "threshold")

Records = Mapping[int, Mapping[str, Any] | None]
"""What ``metrics.json`` says of every fold, by the fold's number; None for a fold that has no result."""


def fold_table(records: Records, paper: PaperRow | None = None) -> pd.DataFrame:
    """Rows: ``AU1``, ..., then the means. Columns: ``fold 1``, ..., ``mean``; with a ``paper`` two more.

    NaN where there is no value. Raises ``InputError`` for records that do not belong together, and for none at all.
    """
    first = _first(records)
    table = pd.DataFrame({f"fold {fold}": _column(record, list(first["f1"])) for fold, record in records.items()})
    table["mean"] = table.mean(axis=1)  # over the folds that are there
    if paper is not None:
        table["paper"] = pd.Series({**paper.f1, MEAN: paper.mean})
        table["difference"] = table["mean"] - table["paper"]
    return table


def fold_title(name: str, records: Records) -> str:
    """What the numbers are, in one line."""
    first = _first(records)
    folds = f"fold{'s' if len(records) > 1 else ''} {', '.join(map(str, records))}"
    return f"{name} on {first['data']}, F1 in %: protocol {first['protocol']}, {folds}, seed {first['seed']}"


def fold_notes(records: Records, paper: PaperRow | None = None) -> list[str]:
    """What has to be said beneath the table."""
    first = _first(records)
    missing = [str(fold) for fold, record in records.items() if record is None]
    notes = [f"{PROTOCOLS[first['protocol']]}; threshold {first['threshold']:g}"]
    if missing:
        have = len(records) - len(missing)
        notes.append(f"fold {', '.join(missing)} MISSING: the means are over {have} of {len(records)} folds")
    if is_rendered(first["data"]):
        notes.append(RENDERED)
    if paper is not None:
        other = "" if first["protocol"] == "paper" else ", not the stricter one of our numbers"
        notes.append(f"the paper's row: {paper.name}, {paper.source}, mean of 3 folds, protocol paper{other}")
    return notes


def as_markdown(table: pd.DataFrame, *, title: str, notes: list[str]) -> str:
    """The table as a page of its own."""
    rows = [["", *table.columns], ["---", *["---:"] * len(table.columns)]]
    rows += [[str(name), *cells] for name, cells in _cells(table)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"# {title}", "", *lines, "", *(f"- {note}" for note in notes), ""])


def as_terminal_table(table: pd.DataFrame) -> Table:
    """The numbers for a terminal; they fit into 80 columns."""
    shown = Table("")
    for column in table.columns:
        shown.add_column(column, justify="right", style="bold" if column == "mean" else None)
    for name, cells in _cells(table):
        if name in (MEAN, "F1 always on"):
            shown.add_section()
        shown.add_row(name, *cells, style="bold" if name == MEAN else None)
    return shown


def _column(record: Mapping[str, Any] | None, aus: list[str]) -> pd.Series:
    """The values of one fold in percent."""
    values = {} if record is None else {**record["f1"], **{row: record[key] for key, row in _MEANS.items()}}
    return 100 * pd.Series(values, index=[*aus, *_MEANS.values()], dtype=float)


def _first(records: Records) -> Mapping[str, Any]:
    """A record that speaks for all."""
    known = {fold: record for fold, record in records.items() if record is not None}
    if not known:
        raise InputError("no fold has a result: there is nothing to put into a table")
    (first_fold, first), *others = known.items()
    for fold, record in others:
        for key in _SAME:
            if record[key] != first[key]:
                raise InputError(
                    f"fold {first_fold} has {key}={first[key]}, fold {fold} has {key}={record[key]}: "
                    "these are not folds of one experiment"
                )
    return first


def _cells(table: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Every row's name and values as text; the paper gives one decimal."""
    signed = {"difference": "{:+.1f}"}
    return [
        (str(name), ["-" if pd.isna(x) else signed.get(str(c), "{:.1f}").format(x) for c, x in row.items()])
        for name, row in table.iterrows()
    ]
