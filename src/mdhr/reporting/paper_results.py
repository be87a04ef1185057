"""The numbers that the paper reports, to put beside ours (``paper_results.yaml``, which names its source)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from mdhr.config.error_messages import suggestion
from mdhr.errors import InputError


@dataclass(frozen=True)
class PaperRow:
    """One network's row in a table of F1 per action unit, in percent, means over three folds, protocol ``paper``."""

    name: str
    source: str
    f1: Mapping[str, float]
    """By column: ``AU1``, ``AU2``, ..."""
    mean: float
    """As printed: it may differ in its last digit from the mean of the printed values."""


@cache
def paper_results() -> dict[str, Any]:
    """Everything in ``paper_results.yaml``."""
    return yaml.safe_load((files("mdhr.reporting") / "paper_results.yaml").read_text())


def paper_row(table: str, name: str, *, columns: Iterable[str]) -> PaperRow:
    """The row ``name`` of the F1 table ``table``, for the action units ``columns``.

    Raises ``InputError`` if there is no such table or row, or if it is of other action units.
    """
    results = paper_results()
    tables = [key for key in results if key.startswith("f1_")]
    if table not in tables:
        raise InputError(f"paper_row.table={table}: the paper has no such table{suggestion(table, tables)}")
    rows = results[table]["f1"]
    if name not in rows:
        raise InputError(f"paper_row.name={name}: {table} has no such row{suggestion(name, list(rows))}")
    f1 = dict(zip((f"AU{au}" for au in results[table]["aus"]), rows[name], strict=True))
    if set(f1) != set(columns):
        raise InputError(
            f"paper_row.table={table} is of {', '.join(f1)}, the data has {', '.join(columns)}: "
            "choose another table, or say paper_row=null for none"
        )
    return PaperRow(name=name, source=results["source"], f1=f1, mean=results[table]["average"][name])
