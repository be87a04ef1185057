"""Intervals in which an action unit of a person is active, from the score table of a video."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

SINGLE_FRAME = 0.04
"""Duration in seconds of the frame of a video with one frame."""


@dataclass(frozen=True)
class ActiveInterval:
    """Interval of consecutive active frames.

    Times are whole milliseconds, rounded down: files of coders store milliseconds, and an interval then contains the
    time stamps of the same frames as before rounding.
    """

    track: int
    """Number of the face track, from 1."""
    column: str
    """Column of the action unit: ``AU12``, ``L12``."""
    start: int
    """Time of the first active frame."""
    end: int
    """Time of the frame after the last active one."""
    first: int
    """Index of the first active frame in the video."""
    last: int
    """Index of the last active frame in the video."""
    score: float
    """Mean score of the frames, 0 to 1."""


def active_intervals(table: pd.DataFrame, time: np.ndarray) -> list[ActiveInterval]:
    """Return the intervals ordered by track, action unit and time.

    A frame in which the face was not detected ends an interval.

    Args:
        table: score table; see :func:`mdhr.inference.score_table.make_score_table`.
        time: ``(F,)`` time stamps of all frames of the video in seconds.
    """
    ends = frame_ends(time)
    intervals = []
    for number, rows in table.dropna(subset="track").groupby("track"):
        frames = rows["frame"].to_numpy()
        for column in active_columns(table):
            active = (rows[column] == 1).fillna(False).to_numpy(dtype=bool)
            scores = rows[f"score_{column}"].to_numpy(dtype=float)
            for start, stop in _runs(active, frames):
                first, last = int(frames[start]), int(frames[stop - 1])
                begin, end = milliseconds(time[first]), milliseconds(ends[last])
                mean = float(scores[start:stop].mean())
                intervals.append(ActiveInterval(int(number), column, begin, max(end, begin + 1), first, last, mean))
    return intervals


def active_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a score table with the occurrence of action units: ``AU1``, ``AU2``, ..."""
    return [str(name).removeprefix("score_") for name in table.columns if str(name).startswith("score_")]


def track_numbers(table: pd.DataFrame) -> list[int]:
    """Return the numbers of the tracks of a score table; ``[1]`` if no face was detected."""
    return sorted(int(number) for number in table["track"].dropna().unique()) or [1]


def frame_ends(time: np.ndarray) -> np.ndarray:
    """Return the ends of frames in seconds: the time of the next frame; for the last one, after a median interval."""
    length = float(np.median(np.diff(time))) if len(time) > 1 else SINGLE_FRAME
    return np.append(time[1:], time[-1] + length)


def milliseconds(seconds: float) -> int:
    """Return a time in whole milliseconds, rounded down."""
    return int(np.floor(seconds * 1000 + 1e-6))


def _runs(active: np.ndarray, frames: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield start and stop (exclusive) of the runs of active rows with consecutive frames."""
    breaks = np.flatnonzero((np.diff(active.astype(int)) != 0) | (np.diff(frames) != 1)) + 1
    edges = [0, *breaks.tolist(), len(active)]
    for start, stop in itertools.pairwise(edges):
        if stop > start and active[start]:
            yield start, stop
