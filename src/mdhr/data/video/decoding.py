"""Video decoding: frames as players show them, with times in seconds since the first frame."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mdhr.data.video.display_filter import DisplayFilter
from mdhr.data.video.frame_times import DEFAULT_RATE, FrameClock, median_interval
from mdhr.errors import InputError

NUM_INSPECTED = 100
"""Packets from which the frame interval is determined before decoding."""
MAX_INSPECTED = 2000
"""Packets from which :func:`frame_interval_of` determines the frame interval."""
RESETS_CLOCK = 0x0200
"""FFmpeg's flag of formats whose clock may change within a file (``AVFMT_TS_DISCONT``)."""


class DecodedFrame(NamedTuple):
    """Frame of a video."""

    time: float
    """Seconds since the first frame."""
    image: av.VideoFrame
    """Upright, with square pixels, of the size of the first frame, normally in the pixel format of the decoder."""


def decode_video(
    path: str | Path, *, fps: float | None = None, notes: list[str] | None = None
) -> Iterator[DecodedFrame]:
    """Yield the frames of a video with strictly increasing times.

    Args:
        fps: frames to keep per second, on an even grid that starts again after a pause; all frames if None or above the
            frame rate of the file. A pause is not filled. For a file without time stamps, its frame rate.
        notes: list to which a phrase is appended for each assumption about the file, at the latest after the last frame.
            By default, they are issued as warnings that name the file.

    Raises ``InputError`` if the file is absent, damaged, not a video, or without frames.
    """
    found: list[str] = [] if notes is None else notes
    num_decoded = num_packets = 0
    with _open(path) as (container, stream):
        try:
            packets = _packets(container, stream)
            head = list(islice(packets, NUM_INSPECTED))
            clock, keep_all = _make_clock(path, container, stream, head, fps=fps, notes=found)
            grid = _Grid(None if keep_all else fps)
            convert = DisplayFilter(stream.sample_aspect_ratio or Fraction(1))
            for packet in chain(head, packets):
                num_packets += packet.size > 0
                for frame in packet.decode():
                    num_decoded += 1
                    time = clock(frame)
                    if grid.contains(time):
                        yield DecodedFrame(time, convert(frame))
            # Decoders with several threads do not report a truncated last frame.
            if container.format.name.startswith("mov") and num_packets < len(stream.index_entries):
                raise _breaks_off(path, num_decoded, "the file ends")
        except av.FFmpegError as error:
            if not num_decoded:
                raise
            raise _breaks_off(path, num_decoded, str(error.strerror)) from error
    if not num_decoded:
        raise InputError(f"video {path} contains no frame. Copy it again.")
    if clock.num_restarts:
        found.append(
            "its time stamps start again as in recordings appended to each other, which are joined without gap"
        )
    if convert.resized and convert.size:
        found.append("its resolution changes, all frames are scaled to {} x {}".format(*convert.size))
    if notes is None:
        for note in found:
            warnings.warn(f"video {path}: {note}", stacklevel=2)


def read_video(
    path: str | Path, *, fps: float | None = None, notes: list[str] | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the times and frames ``(H, W, 3)`` uint8 RGB of :func:`decode_video`."""
    for time, image in decode_video(path, fps=fps, notes=notes):
        yield time, to_rgb(image)


def to_rgb(frame: av.VideoFrame) -> np.ndarray:
    """Return a frame as ``(H, W, 3)`` uint8 RGB, by its color matrix and range."""
    return frame.to_ndarray(format="rgb24")


def frame_interval_of(path: str | Path, *, fps: float | None = None) -> float | None:
    """Return the median distance of the first time stamps in seconds, at least ``1 / fps``, without decoding.

    Returns None if the file has no time stamps.

    Raises ``InputError`` if the file cannot be read or contains no video.
    """
    with _open(path) as (container, stream):
        interval = median_interval(list(islice(_packets(container, stream), MAX_INSPECTED)))
    if not interval:
        return 1 / fps if fps else None
    return max(interval, 1 / fps) if fps else interval


def expected_frames(path: str | Path, *, fps: float | None = None) -> int:
    """Return the number of frames that :func:`read_video` yields according to the header of the file.

    Returns 0 if the header contains no number or the file cannot be read.
    """
    try:
        with _open(path) as (container, stream):
            seconds = (container.duration or 0) / av.time_base
            num_frames = stream.frames or round(seconds * float(stream.average_rate or 0))
    except InputError:
        return 0
    return min(num_frames, round(seconds * fps)) if fps and seconds else num_frames


def count_frames(path: str | Path) -> int:
    """Return the number of frames of a video file, without decoding them.

    Raises ``InputError`` if the file cannot be read, is not a video, or contains no frame.
    """
    with _open(path) as (container, stream):
        count = sum(packet.size > 0 and not packet.is_discard for packet in _packets(container, stream))
    if not count:
        raise InputError(f"video {path} contains no frame. Copy it again.")
    return count


class _Grid:
    """Even grid of times at a rate, which starts again after a gap; None contains all times."""

    def __init__(self, fps: float | None) -> None:
        self._interval = 1 / fps if fps else 0.0
        self._next = -np.inf

    def contains(self, time: float) -> bool:
        """Return whether a frame is the first at or after the next grid point."""
        if not self._interval:
            return True
        # Half a millisecond of tolerance for rounded time stamps.
        if time < self._next - 5e-4:
            return False
        # The grid does not follow each frame, so that errors do not accumulate.
        self._next = (time if time > self._next + self._interval else self._next) + self._interval
        return True


@contextmanager
def _open(path: str | Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and select its video stream; errors of FFmpeg become ``InputError``."""
    try:
        with av.open(str(path)) as container:
            stream = _select_stream(container)
            if stream is None:
                raise InputError(f"{path} contains no video stream. Pass the path of a video file.")
            stream.thread_type = "AUTO"
            yield container, stream
    except av.FFmpegError as error:
        damaged = isinstance(error, av.InvalidDataError | av.EOFError)
        hint = ". If the file is a video, it is incomplete: copy it again." if damaged else ""
        raise InputError(f"cannot read video {path}: {error.strerror}{hint}") from error


def _breaks_off(path: str | Path, num_frames: int, reason: str) -> InputError:
    return InputError(
        f"cannot read video {path} beyond frame {num_frames}: {reason}. Copy it again, or keep the readable part: "
        "ffmpeg -i <video> repaired.mp4"
    )


def _select_stream(container: InputContainer) -> VideoStream | None:
    """Return the default video stream, of several the largest; cover art and preview images are not a video."""
    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    videos = [stream for stream in container.streams.video if not stream.disposition & still]
    return max(
        videos,
        key=lambda stream: (bool(stream.disposition & Disposition.default), stream.width * stream.height),
        default=None,
    )


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Yield the packets of a stream; the last one is empty and makes the decoder return its remaining frames."""
    for packet in container.demux(stream):
        if packet.size or packet.dts is None:
            if container.format.name == "avi":
                packet.pts = None  # AVI has decoding time stamps only; libavformat makes wrong ones up
            yield packet


def _make_clock(
    path: str | Path,
    container: InputContainer,
    stream: VideoStream,
    head: list[av.Packet],
    *,
    fps: float | None,
    notes: list[str],
) -> tuple[FrameClock, bool]:
    """Return the clock of a video and whether its time stamps are replaced by the frame rate."""
    interval = median_interval(head)
    rate = float(stream.guessed_rate or DEFAULT_RATE)
    if interval is None and any(packet.pts is not None or packet.dts is not None for packet in head):
        interval = 1 / rate  # a single frame
    if interval:
        return FrameClock(interval, resets_clock=bool(container.format.flags & RESETS_CLOCK)), False
    if not fps:
        fault = "contains no time stamps" if interval is None else "contains equal time stamps"
        notes.append(f"{fault}, {rate:g} frames/s assumed (--fps sets another rate)")
    return FrameClock(1 / (fps or rate), trust_stamps=False), True
