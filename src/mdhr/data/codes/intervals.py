"""Time intervals of action units, their check, and their conversion to frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mdhr.action_units import MISSING
from mdhr.action_units.facs import ActionUnit, au_column
from mdhr.data.problems import Problem

_TOLERANCE = 1e-3
"""Seconds. Code files round times to milliseconds."""


@dataclass(frozen=True)
class Interval:
    """Time range in seconds in which an action unit is active.

    Attributes:
        au: action unit.
        start: first point in time.
        end: end, exclusive. An end equal to the start is a point, which marks the frame that contains it.
        value: 1 for active, 0 for coded as inactive, -1 for unknown.
        is_point: whether it is a widened point event. Point events may overlap.
    """

    au: ActionUnit
    start: float
    end: float
    value: int = 1
    is_point: bool = False


def active_frames(intervals: Sequence[Interval], *, fps: float, num_frames: int) -> np.ndarray:
    """Return ``(F,)`` int8 labels: the value of the interval that contains the midpoint of a frame, else 0.

    All intervals belong to one action unit. Active wins over unknown, unknown over inactive.
    """
    labels = np.zeros(num_frames, np.int8)
    for value in (MISSING, 1):
        for interval in intervals:
            if interval.value == value:
                first, last = _frame_range(interval, fps)
                labels[max(0, first) : max(0, last)] = value
    return labels


def _frame_range(interval: Interval, fps: float) -> tuple[int, int]:
    """Return the first frame and the frame after the last one."""
    if interval.end <= interval.start:
        frame = int(np.floor(interval.start * fps + 1e-6))
        return frame, frame + 1
    first, last = (int(np.ceil(time * fps - 0.5 - 1e-6)) for time in (interval.start, interval.end))
    return first, last


def check_intervals(intervals: Sequence[Interval], *, where: str, fps: float, num_frames: int | None) -> list[Problem]:
    """Return the problems of intervals: reversed, overlapping, before the start or beyond the end of the video."""
    problems = []
    by_au: dict[ActionUnit, list[Interval]] = {}
    for interval in intervals:
        by_au.setdefault(interval.au, []).append(interval)
    end = np.inf if num_frames is None else num_frames / fps
    for au, members in by_au.items():
        name, ordered = au_column(au), sorted(members, key=lambda interval: (interval.start, interval.end))
        states = [interval for interval in ordered if not interval.is_point]
        overlaps = [(a, b) for a, b in pairwise(states) if b.start < a.end - _TOLERANCE]
        reverse = [interval for interval in ordered if interval.end < interval.start]
        early = [interval for interval in ordered if interval.start < -_TOLERANCE]
        late = [interval for interval in ordered if interval.end > end + 1 / fps + _TOLERANCE]
        if overlaps:
            what = f"intervals of {name} overlap: {_range(overlaps[0][0])} and {_range(overlaps[0][1])}"
            problems.append(Problem(where, what, len(overlaps), "merge or shorten them"))
        if reverse:
            what = f"an interval of {name} ends before it starts: {_range(reverse[0])}"
            problems.append(Problem(where, what, len(reverse), "correct its times"))
        if early:
            what = f"an interval of {name} starts before the video: {_range(early[0])}"
            problems.append(Problem(where, what, len(early), "correct its times"))
        if late:
            what = f"codes beyond the end of the video: {name} at {_range(late[0])}, the video ends at {end:.2f} s"
            problems.append(Problem(where, what, len(late), "correct the times, or pair the codes with their video"))
    return problems


def _range(interval: Interval) -> str:
    return f"{interval.start:.2f} to {interval.end:.2f} s"
