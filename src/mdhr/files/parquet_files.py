"""Reading of Parquet tables, from any source."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet

from mdhr.errors import InputError, shown
from mdhr.files.csv_files import MAX_COLUMNS
from mdhr.files.regular_file import check_regular

MAX_ROWS = 50_000_000
"""Limit of a table; that of BP4D has 150,000 rows."""


def read_parquet(path: Path) -> pd.DataFrame:
    """Return a Parquet table.

    Raises ``InputError`` if the file is absent, not a regular file, not a table, or larger than the limits.
    """
    check_regular(path)
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            num_columns, num_rows = file.metadata.num_columns, file.metadata.num_rows
            if num_columns <= MAX_COLUMNS and num_rows <= MAX_ROWS:
                return file.read().to_pandas()
    except Exception as error:  # pyarrow raises errors of many types for broken files
        problem = shown(str(error).partition("\n")[0])
        raise InputError(f"{path} is not a parquet table, or is damaged: {problem}") from error
    raise InputError(
        f"{path} has {num_rows:,} rows and {num_columns:,} columns: at most {MAX_ROWS:,} and {MAX_COLUMNS:,}"
    )
