"""Frame tables: one row per frame, one column per action unit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.action_units.facs import ActionUnit, au_column
from mdhr.data.codes.cell_values import parse_labels
from mdhr.data.codes.cells import column_of, number, read_rows
from mdhr.data.codes.events import absent_problem
from mdhr.data.codes.frame_positions import late_rows, mismatch, rate_mismatch, rows_of_frames
from mdhr.data.codes.mapping import NameMapping, parse_codes
from mdhr.data.codes.settings import CodeSettings
from mdhr.data.problems import Problem
from mdhr.errors import InputError, listed, shown

FRAME_NAMES = ("frame", "frame number", "frame_number", "frames", "frame_no", "frameno")
TIME_NAMES = ("time", "seconds", "time (s)", "time_s", "timestamp", "sec")
SUBJECT_NAMES = ("subject", "subject_id", "subject id", "participant", "participant_id", "person")


@dataclass(frozen=True)
class FrameTable:
    """Cells of a frame table, not interpreted.

    Attributes:
        positions: ``(R,)`` frame numbers from 0, or seconds.
        is_time: whether the positions are seconds.
        columns: text cells of every action unit.
        fps: frame rate according to the table's time stamps; None if the positions contain the only times.
        unknown: ``(R,)`` rows whose labels are unknown; None if there are none.
        problems: problems of the header.
    """

    positions: np.ndarray
    is_time: bool
    columns: Mapping[ActionUnit, pd.Series]
    fps: float | None = None
    unknown: np.ndarray | None = None
    problems: Sequence[Problem] = field(default_factory=tuple)


def parse_frame_table(rows: Sequence[Sequence[str]], *, where: str, settings: CodeSettings) -> FrameTable:
    """Return the cells of a table whose first row is the header.

    Raises ``InputError`` if it has no column ``frame`` or ``time``, or two columns of one action unit.
    """
    header, body = rows[0], rows[1:]
    column = column_of(header, *FRAME_NAMES)
    is_time = column is None
    column = column_of(header, *TIME_NAMES) if column is None else column
    if column is None:
        raise InputError(f"no column frame, time or seconds; the first line contains {listed(list(header), limit=5)}")
    if not body:
        raise InputError("the table has no rows; export it again")
    columns, problems = _au_columns(header, settings.mapping, where=where)
    cells = {au: pd.Series([row[index] for row in body]) for au, index in columns.items()}
    positions = parse_positions([row[column] for row in body], name=header[column], whole=not is_time)
    if not is_time:
        positions = positions - settings.first_frame
    return FrameTable(positions, is_time, cells, problems=problems)


def parse_positions(cells: Sequence[str], *, name: str, whole: bool) -> np.ndarray:
    """Return frame numbers or seconds; raises ``InputError`` with the first cell that is no number."""
    values = [number(cell) for cell in cells]
    for cell, value in zip(cells, values, strict=True):
        if value is None or (whole and not value.is_integer()):
            kind = "an integer" if whole else "a number of seconds"
            raise InputError(f"{shown(cell)!r} in column {shown(name)} is not {kind}; correct it")
    return np.array(values, np.int64 if whole else np.float64)


def label_frames(
    table: FrameTable, *, au_set: ActionUnitSet, fps: float, num_frames: int | None, where: str, settings: CodeSettings
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the labels of the frames of a video and all problems; see :func:`mdhr.data.codes.reading.read_codes`."""
    problems = list(table.problems)
    order = np.argsort(table.positions, kind="stable")
    positions = table.positions[order]
    repeated = np.flatnonzero(np.diff(positions) <= 0) + 1
    if len(repeated):
        unit = "time" if table.is_time else "frame"
        what = f"{unit} {positions[repeated[0]]:g} has more than one line"
        problems.append(Problem(where, what, len(repeated), "delete the surplus lines"))
        order, positions = np.delete(order, repeated), np.delete(positions, repeated)
    if (positions < 0).any():
        what, fix = (
            f"{positions[0]:g} is before the start of the video",
            "correct data.release.first_frame or the table",
        )
        problems.append(Problem(where, what, int((positions < 0).sum()), fix))
        order, positions = order[positions >= 0], positions[positions >= 0]
    if not len(positions):
        raise InputError("no row lies inside the video; correct the frame numbers")
    rate = settings.coding_fps or fps
    problems += _check_rate(table, positions, fps=fps, num_frames=num_frames, where=where, settings=settings)
    step = (float(np.median(np.diff(positions))) if len(positions) > 1 else 1 / fps) if table.is_time else 1 / rate
    frames, rows = rows_of_frames(
        positions if table.is_time else positions / rate, step=step, fps=fps, num_frames=num_frames
    )
    if (rows < 0).any():
        first = frames[np.argmax(rows < 0)]
        what = f"no line for frame {first}; the labels of such frames are unknown"
        problems.append(Problem(where, what, int((rows < 0).sum()), level="note"))
    labels: dict[str, np.ndarray] = {"frame": frames}
    intensities: dict[str, np.ndarray] = {}
    for au in au_set.aus:
        name = au_column(au)
        if au not in table.columns:
            labels[name] = np.full(len(frames), 0 if settings.absent == "inactive" else MISSING, np.int8)
            if settings.absent in (None, "error"):
                problems.append(absent_problem(au, where=where, kind="column"))
            continue
        cells = table.columns[au].iloc[order]
        shown_positions = positions if table.is_time else positions + settings.first_frame
        parsed = parse_labels(cells, shown_positions, column=name, where=where, threshold=settings.threshold)
        problems += parsed.problems
        skip = (rows < 0) | (table.unknown[order][rows] if table.unknown is not None else False)
        labels[name] = np.where(skip, MISSING, parsed.occurrence[rows]).astype(np.int8)
        if parsed.intensity is not None:
            intensities[f"intensity_{name}"] = np.where(skip, MISSING, parsed.intensity[rows]).astype(np.int8)
    return pd.DataFrame(labels | intensities), problems


def read_subject(path: Path) -> str | None:
    """Return the only value of the subject column of a table; None if it has no such column.

    Raises ``InputError`` if the column contains several values, or from :func:`mdhr.data.codes.cells.read_rows`.
    """
    rows = read_rows(path)
    column = column_of(rows[0], *SUBJECT_NAMES)
    if column is None:
        return None
    subjects = sorted({row[column] for row in rows[1:]} - {""})
    if len(subjects) > 1:
        raise InputError(f"{len(subjects)} subjects in one table ({listed(subjects)}); write one table per video")
    return subjects[0] if subjects else None


def _au_columns(
    header: Sequence[str], mapping: NameMapping, *, where: str
) -> tuple[dict[ActionUnit, int], list[Problem]]:
    columns: dict[ActionUnit, int] = {}
    problems = []
    for index, name in enumerate(header):
        codes = parse_codes(name, mapping)
        if codes is None and re.match(r"(?:AU|[LR])[\s_]*\d", name, re.IGNORECASE):
            fix = "correct the column's name, or add it to data.release.mapping, with null to ignore it"
            problems.append(Problem(where, f"{shown(name)!r} is not an action unit", 1, fix))
        for au, _ in codes or ():
            if au in columns:
                raise InputError(f"two columns for {au_column(au)}; delete one of them")
            columns[au] = index
    return columns, problems


def _check_rate(
    table: FrameTable, positions: np.ndarray, *, fps: float, num_frames: int | None, where: str, settings: CodeSettings
) -> list[Problem]:
    """Return the problem that the table has another frame rate, or else that it is longer than the video."""
    rate = settings.coding_fps or fps
    if settings.coding_fps is None and not table.is_time:
        if table.fps and abs(table.fps / fps - 1) > 0.02:
            return [mismatch(round(table.fps, 2), fps=fps, where=where, detail="by its time stamps")]
        if (
            table.fps is None
            and num_frames
            and (found := rate_mismatch(int(positions[-1]) + 1, fps=fps, num_frames=num_frames, where=where))
        ):
            return found
    starts = positions if table.is_time else positions / rate
    if num_frames is not None and (late := late_rows(starts, fps=fps, num_frames=num_frames)):
        what = f"codes beyond the end of the video: {late} rows after frame {num_frames - 1} ({num_frames / fps:.2f} s)"
        return [Problem(where, what, late, "delete them, or pair the codes with their video")]
    return []
