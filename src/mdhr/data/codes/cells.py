"""Cells of a table file as text: csv, tsv, txt, xlsx, parquet."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from mdhr.errors import InputError
from mdhr.files.csv_files import check_columns
from mdhr.files.parquet_files import read_parquet
from mdhr.files.regular_file import read_regular

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".parquet"})
_MAX_XLSX_BYTES = 64 * 2**20
_MAX_XLSX_ROWS = 2_000_000
_SEPARATORS = ",;\t"


def read_rows(path: Path) -> list[list[str]]:
    """Return the rows of a table, header first, without surrounding spaces. Rows without text are skipped,
    and short rows are filled with empty cells.

    The separator of a text file is the comma, semicolon or tab that is most frequent in its first lines. Decimal commas
    become points if the comma is not the separator. An Excel file is read from its first sheet.

    Raises ``InputError`` if the file cannot be read or is not a table.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        table = read_parquet(path)
        rows = [
            [str(name) for name in table.columns],
            *([_text(cell) for cell in row] for row in table.to_numpy(object)),
        ]
    elif suffix == ".xlsx":
        rows = _read_sheet(path)
    else:
        rows = _read_text(path)
    rows = [[cell.strip() for cell in row] for row in rows]
    rows = [row for row in rows if any(row)]
    if not rows:
        raise InputError("the file is empty; export it again")
    width = max(map(len, rows))
    return [[*row, *[""] * (width - len(row))] for row in rows]


def decode_text(content: bytes) -> str:
    """Return the text of a file in UTF-8 or, with a byte order mark, in UTF-16. Raises ``InputError`` otherwise."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; export it as UTF-8") from error


def column_of(header: Sequence[str], *names: str) -> int | None:
    """Return the index of the first column with one of these names, in any case; None if there is none."""
    lower = [cell.casefold() for cell in header]
    return next((lower.index(name.casefold()) for name in names if name.casefold() in lower), None)


def number(text: str) -> float | None:
    """Return a finite number from text, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _read_text(path: Path) -> list[list[str]]:
    text = decode_text(read_regular(path))
    head = "\n".join(text.splitlines()[:50])
    separator = max(_SEPARATORS, key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise InputError(f"is not a table: {error}") from error
    check_columns(max(map(len, rows), default=0), path)
    return rows if separator == "," else [[_decimal_point(cell) for cell in row] for row in rows]


def _decimal_point(cell: str) -> str:
    changed = cell.replace(",", ".")
    return changed if number(changed) is not None else cell


def _read_sheet(path: Path) -> list[list[str]]:
    content = read_regular(path, max_bytes=_MAX_XLSX_BYTES)
    rows: list[list[str]] = []
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for row in book.worksheets[0].iter_rows(values_only=True):
            rows.append([_text(cell) for cell in row])
            if len(rows) > _MAX_XLSX_ROWS:
                raise InputError(f"has more than {_MAX_XLSX_ROWS:,} rows")
    except InputError:
        raise
    except Exception as error:  # openpyxl raises errors of many types for broken files
        raise InputError("is not an Excel table, or is damaged; save it again as xlsx") from error
    check_columns(max(map(len, rows), default=0), path)
    return rows


def _text(cell: Any) -> str:
    if cell is None or (isinstance(cell, float | np.floating) and np.isnan(cell)):
        return ""
    if isinstance(cell, bool | np.bool_):
        return str(int(cell))
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    return str(cell)
