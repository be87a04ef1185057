"""Assignment of the rows of a table to the frames of a video, also at different frame rates."""

from collections.abc import Sequence

import numpy as np

from mdhr.data.problems import Problem

_RATES = (5, 10, 12, 12.5, 15, 20, 23.976, 24, 25, 29.97, 30, 48, 50, 59.94, 60, 90, 100, 120)
"""Frame rates of cameras and of coding software."""
_MIN_ROWS = 20
_EPSILON = 1e-6


def rows_of_frames(
    starts: np.ndarray, *, step: float, fps: float, num_frames: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames from the first to the last coded one, and for each the row that contains its midpoint, or -1.

    Args:
        starts: ``(R,)`` start of every row in seconds, strictly ascending.
        step: duration of a row in seconds.
        fps: frame rate of the video.
        num_frames: number of frames of the video, None if unknown.
    """
    end = starts[-1] + step
    limit = int(np.ceil(end * fps - 0.5 - _EPSILON))
    frames = np.arange(limit if num_frames is None else min(limit, num_frames), dtype=np.int64)
    middle = (frames + 0.5) / fps + _EPSILON
    rows = np.searchsorted(starts, middle, side="right") - 1
    distance = middle - starts[np.maximum(rows, 0)]
    rows = np.where((rows >= 0) & (distance < 1.05 * step + 2 * _EPSILON), rows, -1)
    coded = np.flatnonzero(rows >= 0)
    part = slice(coded[0], coded[-1] + 1) if len(coded) else slice(0, 0)
    return frames[part], rows[part]


def rate_mismatch(num_rows: int, *, fps: float, num_frames: int, where: str) -> list[Problem]:
    """Return the problem that a table of ``num_rows`` frames fits a video of another frame rate.

    It fits if the durations differ by at most one frame. Short tables, which fit by chance, are not checked.
    """
    if num_rows < _MIN_ROWS or abs(num_rows - num_frames) <= max(2, 0.01 * num_frames):
        return []
    duration = num_frames / fps
    fitting = [rate for rate in _RATES if abs(num_rows - duration * rate) <= max(1.0, rate / fps) + _EPSILON]
    if not fitting:
        return []
    rate = min(fitting, key=lambda rate: (abs(num_rows - duration * rate) > 0.5, rate % 1 > 0, abs(rate - fps)))
    return [mismatch(rate, fps=fps, where=where, detail=f"{num_rows} coded frames, {num_frames} in the video")]


def mismatch(rate: float, *, fps: float, where: str, detail: str) -> Problem:
    """Return the problem that codes have another frame rate than the video."""
    what = f"frame-rate mismatch: codes at {rate:g} fps, video at {fps:g} fps ({detail})"
    fix = f"set data.release.coding_fps={rate:g} if that is right, or data.release.coding_fps={fps:g} if not"
    return Problem(where, what, 1, fix)


def late_rows(starts: Sequence[float] | np.ndarray, *, fps: float, num_frames: int) -> int:
    """Return the number of rows that start after the end of the video."""
    return int((np.asarray(starts) > (num_frames - 0.5) / fps + _EPSILON).sum())
