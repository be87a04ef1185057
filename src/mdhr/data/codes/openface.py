"""OpenFace tables: ``AU12_c`` (occurrence) and ``AU12_r`` (intensity), for pseudo labels."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from mdhr.action_units.facs import ActionUnit, action_unit
from mdhr.data.codes.cells import column_of, number
from mdhr.data.codes.frame_tables import FrameTable, parse_positions
from mdhr.data.codes.settings import CodeSettings
from mdhr.errors import InputError

_COLUMN = re.compile(r"AU(\d+)_([cr])")


def is_openface(header: Sequence[str]) -> bool:
    """Return whether a header is that of an OpenFace table."""
    return any(_COLUMN.fullmatch(name) for name in header)


def parse_openface(rows: Sequence[Sequence[str]], *, settings: CodeSettings) -> FrameTable:
    """Return the occurrences of an OpenFace table.

    With ``settings.threshold``, an action unit is active if its intensity ``_r`` is at least the threshold; action units
    without intensity (AU28) use ``_c``. Rows with ``success`` 0 are unknown. Frames are numbered from 1.

    Raises ``InputError`` if there is no column ``frame``, or a number is invalid.
    """
    header, body = rows[0], rows[1:]
    frame, timestamp, success = (column_of(header, name) for name in ("frame", "timestamp", "success"))
    if frame is None or not body:
        raise InputError("is not a complete OpenFace table: no column frame, or no rows; run OpenFace again")
    numbers = parse_positions([row[frame] for row in body], name="frame", whole=True)
    by_kind: dict[str, dict[ActionUnit, int]] = {"c": {}, "r": {}}
    for index, name in enumerate(header):
        if match := _COLUMN.fullmatch(name):
            by_kind[match[2]][action_unit(match[1])] = index
    columns = {au: pd.Series([row[index] for row in body]) for au, index in by_kind["c"].items()}
    if settings.threshold is not None:
        for au, index in by_kind["r"].items():
            columns[au] = _occurrence([row[index] for row in body], settings.threshold)
    fps = _rate([row[timestamp] for row in body]) if timestamp is not None else None
    failed = np.array([row[success] == "0" for row in body]) if success is not None else None
    return FrameTable(numbers - min(1, int(numbers.min())), False, columns, fps=fps, unknown=failed)


def _occurrence(cells: Sequence[str], threshold: float) -> pd.Series:
    values = [number(cell) for cell in cells]
    return pd.Series(["" if value is None else str(int(value >= threshold)) for value in values])


def _rate(cells: Sequence[str]) -> float | None:
    """Return the frame rate of time stamps in seconds; None if there are fewer than two."""
    times = np.array([value for cell in cells if (value := number(cell)) is not None])
    steps = np.diff(np.unique(times))
    return float((len(steps)) / (times.max() - times.min())) if len(steps) else None
