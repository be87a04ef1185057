"""Results that the paper reports, from ``paper_results.yaml``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from mdhr.errors import InputError, suggestion


@dataclass(frozen=True)
class PaperRow:
    """Row of an F1 table in percent: means over three folds with protocol ``paper``."""

    name: str
    source: str
    f1: Mapping[str, float]
    """F1 by column: ``AU1``, ``AU2``, ..."""
    mean: float
    """Mean as printed; its last digit may differ from the mean of the printed values."""


@cache
def paper_results() -> dict[str, Any]:
    """Return the content of ``paper_results.yaml``."""
    return yaml.safe_load((files("mdhr.reporting") / "paper_results.yaml").read_text())


def paper_row(table: str, name: str, *, columns: Iterable[str]) -> PaperRow:
    """Return the row ``name`` of the F1 table ``table`` for the action units ``columns``.

    Raises ``InputError`` if the table or row does not exist or contains other action units.
    """
    results = paper_results()
    tables = [key for key in results if key.startswith("f1_")]
    if table not in tables:
        raise InputError(f"paper_row.table={table}: unknown table of the paper{suggestion(table, tables)}")
    rows = results[table]["f1"]
    if name not in rows:
        raise InputError(f"paper_row.name={name}: unknown row of {table}{suggestion(name, list(rows))}")
    f1 = dict(zip((f"AU{au}" for au in results[table]["aus"]), rows[name], strict=True))
    if set(f1) != set(columns):
        raise InputError(
            f"paper_row.table={table} contains {', '.join(f1)}, but the data set has {', '.join(columns)}. "
            "Set paper_row.table to another table, or paper_row=null."
        )
    return PaperRow(name=name, source=results["source"], f1=f1, mean=results[table]["average"][name])
