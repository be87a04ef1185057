"""Time stamps of video frames: seconds since the first frame, strictly increasing."""

from collections.abc import Sequence

import av
import numpy as np

DEFAULT_RATE = 25.0
"""Frames per second of a file without time stamps and frame rate."""
TOLERANCE = 5e-4
"""Seconds. Some formats round time stamps to milliseconds."""
MIN_DISTINCT, MIN_INTERVAL = 0.25, 1e-4
"""Share of distinct time stamps and distance in seconds below which time stamps count as equal."""
RESTART = 10.0
"""Intervals by which time stamps jump back where a second recording was appended. Reordered frames jump less."""
MAX_GAP = 10.0
"""Seconds. A longer gap in a broadcast format is a change of its clock, as for FFmpeg, and not a pause."""


def packet_interval(packets: Sequence[av.Packet]) -> float | None:
    """Return the median distance in seconds of the presentation time stamps of packets in any order.

    Returns 0 if nearly all time stamps are equal, and None if fewer than two packets have one.
    """
    known = _stamps(packets)
    if len(known) < 2:
        return None
    ticks = np.unique(known)  # in recordings appended to each other, time stamps occur several times
    if len(ticks) < MIN_DISTINCT * len(known):
        return 0.0
    interval = float(np.median(np.diff(ticks))) * float(packets[0].time_base)
    return interval if interval >= MIN_INTERVAL else 0.0


def first_stamp(packets: Sequence[av.Packet]) -> float:
    """Return the smallest presentation time stamp of packets in seconds, 0 if they have none."""
    known = _stamps(packets)
    return float(known.min() * packets[0].time_base) if len(known) else 0.0


def _stamps(packets: Sequence[av.Packet]) -> np.ndarray:
    """Return presentation time stamps, or decoding time stamps where they are absent, in units of the time base."""
    stamps = [packet.pts if packet.pts is not None else packet.dts for packet in packets]
    return np.array([stamp for stamp in stamps if stamp is not None], dtype=np.int64)


class FrameClock:
    """Converts the time stamps of successive frames to seconds since the first frame.

    Uses the best-effort time stamps of FFmpeg: decoding time stamps where the presentation time stamps jump back.

    Args:
        interval: seconds between frames, for frames without a time stamp of their own.
        trusts_stamps: False ignores all time stamps.
        resets_clock: whether the clock of the format may change within a file, as in MPEG-TS.

    Attributes:
        start: time stamp of the first frame in seconds.
        num_restarts: number of times that the time stamps started again, as in recordings appended to each other.
    """

    def __init__(self, interval: float, *, trusts_stamps: bool = True, resets_clock: bool = False) -> None:
        self.interval, self.trusts_stamps = interval, trusts_stamps
        self.num_restarts = 0
        self.start = 0.0
        self._max_gap = MAX_GAP if resets_clock else np.inf
        self._last_pts = self._last_dts = -np.inf
        self._num_faulty_pts = self._num_faulty_dts = 0
        self._time: float | None = None
        self._offset: float | None = None

    def __call__(self, frame: av.VideoFrame) -> float:
        """Return the time of the next frame in display order."""
        last = self._time
        expected = 0.0 if last is None else last + self.interval
        stamp = self._best_effort(frame) if self.trusts_stamps else None
        time = expected
        if stamp is not None:
            if self._offset is None:
                self._offset, self.start = expected - stamp, stamp - expected
            time = stamp + self._offset
        if last is not None and not last - RESTART * self.interval <= time <= last + self._max_gap:
            time = self._restart(expected, time)
        if last is not None and time <= last:
            time = last + self.interval / 2
        self._time = time
        return time

    def _restart(self, expected: float, time: float) -> float:
        assert self._offset is not None
        self._offset += expected - time
        self.num_restarts += 1
        return expected

    def _best_effort(self, frame: av.VideoFrame) -> float | None:
        """Return the best-effort time stamp in seconds, by the rule of libavcodec, which PyAV does not provide."""
        pts, dts = frame.pts, frame.dts
        if dts is not None:
            self._num_faulty_dts += dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._num_faulty_pts += pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        use_pts = pts is not None and (dts is None or self._num_faulty_pts <= self._num_faulty_dts)
        stamp = pts if use_pts else dts
        return None if stamp is None or frame.time_base is None else float(stamp * frame.time_base)


class TimeGrid:
    """Even grid of times that starts again after a gap; neighbors are at least ``1 / fps - frame_interval`` apart.

    Args:
        fps: grid points per second; None accepts all times.
        frame_interval: seconds between frames outside of gaps.
    """

    def __init__(self, fps: float | None, frame_interval: float) -> None:
        self._spacing = 1 / fps if fps else 0.0
        self._frame_interval = frame_interval
        self._next = -np.inf

    def accepts(self, time: float) -> bool:
        """Return whether a frame, given in order, is the first at or after the next grid point."""
        if time < self._next - TOLERANCE:
            return False
        # The grid does not follow each frame, so that errors do not accumulate.
        is_gap = time > self._next + self._frame_interval + TOLERANCE
        self._next = (time if is_gap else self._next) + self._spacing
        return True
