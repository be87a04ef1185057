"""Checks of table columns with pandera, which group failed cells into few problems."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa

from mdhr.data.problems import Level, Problem


@dataclass(frozen=True, kw_only=True)
class ColumnCheck:
    """Check of the cells of one or several columns."""

    is_valid: Callable[[pd.Series], pd.Series]
    """Maps a column to booleans, true for valid cells."""
    what: str
    """Description of the problem. ``{value}`` is the first invalid cell, ``{column}`` its column, any other name a
    cell of the same row."""
    fix: str = ""
    where: str = "video"
    """Column with the place of the problem."""
    level: Level = "error"


def check_columns(table: pd.DataFrame, checks: Mapping[str, ColumnCheck]) -> list[Problem]:
    """Return one problem per check and place with invalid cells, in the order of the checks.

    Args:
        checks: check of every column. A column that the table lacks is skipped.
    """
    table = table.reset_index(drop=True)
    checks = {column: check for column, check in checks.items() if column in table}
    columns = {
        column: pa.Column(checks=pa.Check(check.is_valid, ignore_na=False), nullable=True)
        for column, check in checks.items()
    }
    try:
        pa.DataFrameSchema(columns).validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _group_failures(table, checks, errors.failure_cases)
    return []


def _group_failures(table: pd.DataFrame, checks: Mapping[str, ColumnCheck], failures: pd.DataFrame) -> list[Problem]:
    problems = []
    for check in dict.fromkeys(checks.values()):
        columns = [column for column, other in checks.items() if other is check]
        cells = failures[failures["column"].isin(columns)]
        cells = cells.assign(index=cells["index"].astype(int)).sort_values("index", kind="stable")
        places = table[check.where].to_numpy()[cells["index"]]
        for place, rows in cells.groupby(places, sort=False).indices.items():
            column, index = cells["column"].iloc[rows[0]], cells["index"].iloc[rows[0]]
            row = {str(name): cell for name, cell in table.loc[index].items()}
            what = check.what.format(**(row | {"value": _cell_text(table.loc[index, column]), "column": column}))
            problems.append(Problem(str(place), what, len(rows), check.fix, check.level))
    return problems


def one_of(allowed: Collection[int], *, or_empty: bool = False) -> Callable[[pd.Series], pd.Series]:
    """Return a check that cells, numbers or text, are one of these numbers, or text without characters."""

    def is_valid(cells: pd.Series) -> pd.Series:
        codes, values = pd.factorize(cells, use_na_sentinel=False)  # parse each distinct value once
        values = pd.Series(values)
        valid = pd.to_numeric(values, errors="coerce").isin(allowed)
        if or_empty:
            valid |= values.astype(str).str.strip() == ""
        return pd.Series(valid.to_numpy()[codes], index=cells.index)

    return is_valid


def is_true(cells: pd.Series) -> pd.Series:
    """Return which cells are true."""
    return cells.astype(bool)


def is_zero(cells: pd.Series) -> pd.Series:
    """Return which cells are 0."""
    return cells == 0


def _cell_text(cell: object) -> str:
    text = "" if pd.api.types.is_scalar(cell) and pd.isna(cell) else str(cell).strip()
    return (text if len(text) <= 20 else f"{text[:17]}...") or "(empty)"
