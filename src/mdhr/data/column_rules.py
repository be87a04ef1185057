"""What a table's columns must hold, checked all at once with pandera, and the many bad cells told as few problems."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import pandera.pandas as pa

from mdhr.data.releases.release import Problem


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind of damage; columns that share a rule are told together."""

    holds: Callable[[pd.Series], pd.Series]
    """Which cells are as they must be."""
    what: str
    """What is wrong otherwise; ``{value}`` is the first bad cell, ``{column}`` its column, other names the first bad
    row's cells."""
    mend: str = ""
    where: str = "video"
    """The column that says where."""
    level: Literal["error", "note"] = "error"


def broken(table: pd.DataFrame, rules: Mapping[str, Rule]) -> list[Problem]:
    """One problem for every rule and place with a bad cell, in the order of the rules; the table is taken as it is.

    Columns of the table without a rule may hold anything; a rule without a column is none.
    """
    table = table.reset_index(drop=True)
    rules = {column: rule for column, rule in rules.items() if column in table}
    columns = {
        column: pa.Column(checks=pa.Check(rule.holds, ignore_na=False), nullable=True) for column, rule in rules.items()
    }
    try:
        pa.DataFrameSchema(columns).validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _grouped(table, rules, errors.failure_cases)
    return []


def _grouped(table: pd.DataFrame, rules: Mapping[str, Rule], cases: pd.DataFrame) -> list[Problem]:
    problems = []
    for rule in dict.fromkeys(rules.values()):
        bad = cases[cases["column"].isin([column for column, other in rules.items() if other is rule])]
        bad = bad.assign(index=bad["index"].astype(int)).sort_values("index", kind="stable")
        where = table[rule.where].to_numpy()[bad["index"]]
        for place, rows in bad.groupby(where, sort=False).indices.items():
            column, index = bad["column"].iloc[rows[0]], bad["index"].iloc[rows[0]]
            row = {str(name): cell for name, cell in table.loc[index].items()}
            told = rule.what.format(**(row | {"value": _shown(table.loc[index, column]), "column": column}))
            problems.append(Problem(str(place), told, len(rows), rule.mend, rule.level))
    return problems


def one_of(allowed: Collection[int]) -> Callable[[pd.Series], pd.Series]:
    """Is a cell, a number or one that was written as text, one of these?"""

    def holds(cells: pd.Series) -> pd.Series:
        codes, values = pd.factorize(cells, use_na_sentinel=False)  # few different ones: judge each once
        good = pd.to_numeric(pd.Series(values), errors="coerce").isin(allowed).to_numpy()
        return pd.Series(good[codes], index=cells.index)

    return holds


def is_true(cells: pd.Series) -> pd.Series:
    """Is a cell true?"""
    return cells.astype(bool)


def is_zero(cells: pd.Series) -> pd.Series:
    """Is a cell 0?"""
    return cells == 0


def _shown(cell: object) -> str:
    text = "" if pd.api.types.is_scalar(cell) and pd.isna(cell) else str(cell).strip()
    return (text if len(text) <= 20 else f"{text[:17]}...") or "(nothing)"
