"""Labels from the cells of a frame table."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mdhr.data.codes.cells import number
from mdhr.data.codes.mapping import parse_intensity
from mdhr.data.problems import Problem
from mdhr.errors import shown

_UNKNOWN = {"", "9", "nan", "na", "n/a", "none", "?", "-1"}


@dataclass(frozen=True)
class Labels:
    """Labels of one action unit, one per row of a table.

    Attributes:
        occurrence: ``(F,)`` int8: 0, 1, or -1 for unknown.
        intensity: ``(F,)`` int8: 0 to 5, or -1 for unknown; None if the cells are occurrences.
        problems: invalid cells.
    """

    occurrence: np.ndarray
    intensity: np.ndarray | None
    problems: tuple[Problem, ...]


def parse_labels(cells: pd.Series, frames: np.ndarray, *, column: str, where: str, threshold: float | None) -> Labels:
    """Return the labels of text cells. Invalid cells are unknown.

    Args:
        frames: frame or line of every cell, for messages.
        column: name of the column, for messages.
        threshold: lowest active intensity; None if the cells are 0 or 1.
    """
    codes, distinct = pd.factorize(cells)
    parsed = [_parse(str(cell)) for cell in distinct]
    values = np.array([-1 if value is None else value for value in parsed], np.int8)
    invalid = np.array([value is None for value in parsed], bool)
    what, fix = "{cell!r} of {column} in frame {frame} is not 0, 1 or an intensity (0 to 5, A to E)", "correct the cell"
    problems = _problems(invalid[codes], cells, frames, column=column, where=where, what=what, fix=fix)
    if threshold is None:
        graded = np.array(
            [
                value > 1 or (value == 1 and str(cell).upper() == "A")
                for value, cell in zip(values, distinct, strict=True)
            ],
            bool,
        )
        what = "intensity {cell!r} of {column} in frame {frame} without a threshold"
        fix = "set data.release.threshold to the lowest active intensity, such as 2"
        problems += _problems(graded[codes], cells, frames, column=column, where=where, what=what, fix=fix)
        values[graded] = -1
        return Labels(values[codes], None, tuple(problems))
    occurrence = np.where(values < 0, -1, values >= threshold).astype(np.int8)
    return Labels(occurrence[codes], values[codes], tuple(problems))


def _parse(cell: str) -> int | None:
    """Return 0 to 5, -1 for unknown, None for an invalid cell."""
    text = cell.strip().casefold()
    if text in _UNKNOWN or (value := number(text)) == 9:
        return -1
    if value is not None and value.is_integer():
        text = str(int(value))
    return {"false": 0, "true": 1}.get(text, parse_intensity(text))


def _problems(
    invalid: np.ndarray, cells: pd.Series, frames: np.ndarray, *, column: str, where: str, what: str, fix: str
) -> list[Problem]:
    if not invalid.any():
        return []
    first = int(np.argmax(invalid))
    cell = shown(re.sub(r"\s+", " ", str(cells.iloc[first])), limit=20)
    return [Problem(where, what.format(cell=cell, column=column, frame=frames[first]), int(invalid.sum()), fix)]
