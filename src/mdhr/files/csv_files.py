"""Reading of comma-separated tables, from any source."""

import io
from pathlib import Path

import pandas as pd

from mdhr.errors import InputError, shown
from mdhr.files.regular_file import read_regular

MAX_COLUMNS = 1000
"""Limit of a table; the widest of this project have 40 columns."""


def read_csv(path: Path) -> pd.DataFrame:
    """Return a table; raises ``InputError`` if the file cannot be read, is no table, or exceeds the limits."""
    content = read_regular(path)
    check_columns(content.partition(b"\n")[0].count(b",") + 1, path)
    try:
        return pd.read_csv(io.BytesIO(content))
    except (ValueError, OverflowError) as error:  # the errors of pandas are ValueErrors
        raise InputError(f"{path} is not a table: {shown(str(error).strip())}") from error


def check_columns(number: int, path: Path) -> None:
    """Raise ``InputError`` if a table has more columns than any table of this project."""
    if number > MAX_COLUMNS:
        raise InputError(f"{path} has {number:,} columns: expected at most {MAX_COLUMNS:,}")
