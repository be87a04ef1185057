"""Video decoding: frames as players show them, with times in seconds since the first frame."""

import warnings
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from mdhr.data.video.display_filter import DisplayFilter
from mdhr.data.video.frame_times import DEFAULT_RATE, FrameClock, TimeGrid, first_stamp, packet_interval
from mdhr.data.video.video_stream import header_seconds, open_video, read_packets, specified_seconds
from mdhr.errors import InputError

NUM_INSPECTED = 100
"""Packets from which the frame interval is determined before decoding."""
MAX_INSPECTED = 2000
"""Packets from which :func:`frame_interval_of` determines the frame interval."""
MIN_DECODED_SHARE = 0.9
"""A video that contains a smaller share of the seconds in its header is reported as possibly incomplete."""
MIN_RATE, MAX_RATE = 1.0, 240.0
"""Plausible frame rates of files without usable time stamps."""
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
        notes: list to which a phrase for each assumption about the file is appended after the last frame, once. By
            default, they are issued as warnings that name the file.

    Raises ``InputError`` if the file is absent, damaged, not a video, or without frames.
    """
    found: list[str] = []
    time, num_decoded, num_packets = 0.0, 0, 0
    with open_video(path) as (container, stream):
        try:
            packets = read_packets(container, stream)
            head = list(islice(packets, NUM_INSPECTED))
            clock = _make_clock(path, container, stream, head, fps=fps)
            grid = TimeGrid(fps if clock.trusts_stamps else None, clock.interval)
            convert = DisplayFilter(stream.sample_aspect_ratio or Fraction(1))
            for packet in chain(head, packets):
                num_packets += packet.size > 0
                for frame in packet.decode():
                    num_decoded += 1
                    time = clock(frame)
                    if grid.accepts(time):
                        yield DecodedFrame(time, convert(frame))
            # Decoders with several threads do not report a truncated last frame.
            if container.format.name.startswith("mov") and num_packets < len(stream.index_entries):
                raise _breaks_off(path, num_decoded, "the file ends")
            specified = specified_seconds(container, stream, start=clock.start)
        except av.FFmpegError as error:
            if not num_decoded:
                raise
            raise _breaks_off(path, num_decoded, str(error.strerror)) from error
    if not num_decoded:
        raise InputError(f"video {path} contains no frame. Copy it again.")
    if not clock.trusts_stamps and not fps:
        found.append(f"it has no usable time stamps, {1 / clock.interval:g} frames/s assumed (--fps sets another rate)")
    if clock.num_restarts:
        found.append("its time stamps start again, as in recordings appended to each other; they are joined")
    if convert.resized and convert.size:
        found.append("its resolution changes, all frames are scaled to {} x {}".format(*convert.size))
    end = time + max(clock.interval, float(frame.duration * (frame.time_base or 0)))
    if specified and end < MIN_DECODED_SHARE * specified:
        found.append(f"it ends after {end:.1f} of {specified:.1f} s, the file may be incomplete")
    for note in found:
        if notes is None:
            warnings.warn(f"video {path}: {note}", stacklevel=2)
        elif note not in notes:
            notes.append(note)


def read_video(
    path: str | Path, *, fps: float | None = None, notes: list[str] | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the times and frames ``(H, W, 3)`` uint8 RGB of :func:`decode_video`."""
    for time, image in decode_video(path, fps=fps, notes=notes):
        yield time, to_rgb(image)


def to_rgb(frame: av.VideoFrame, *, width: int | None = None, height: int | None = None) -> np.ndarray:
    """Return a frame as ``(H, W, 3)`` uint8 RGB, by its color matrix and range; scaled if a size is given."""
    interpolation = "AREA" if width else "BICUBIC"
    return frame.to_ndarray(format="rgb24", width=width, height=height, interpolation=interpolation)


def frame_interval_of(path: str | Path, *, fps: float | None = None) -> float | None:
    """Return the median distance of the first frames in seconds, at least ``1 / fps``, without decoding.

    Returns None if the file contains a single frame.

    Raises ``InputError`` if the file cannot be read, contains no video, or has no usable time stamps and frame rate.
    """
    with open_video(path) as (container, stream):
        head = list(islice(read_packets(container, stream), MAX_INSPECTED))
        if sum(packet.size > 0 for packet in head) < 2:
            return None
        clock = _make_clock(path, container, stream, head, fps=fps)
    return max(clock.interval, 1 / fps) if fps else clock.interval


def expected_frames(path: str | Path, *, fps: float | None = None) -> int:
    """Return about how many frames :func:`read_video` yields, according to the header of the file.

    Returns 0 if the header contains no number or the file cannot be read.
    """
    try:
        with open_video(path) as (container, stream):
            head = list(islice(read_packets(container, stream), NUM_INSPECTED))
            interval = packet_interval(head)
            seconds = header_seconds(container, stream, start=first_stamp(head)) or 0.0
            counts = [stream.frames, seconds * (stream.average_rate or 0), seconds / interval if interval else 0]
    except InputError:
        return 0
    if fps and interval and seconds:
        counts.append(seconds * fps)
    return min((round(count) for count in counts if count > 0), default=0)


def count_frames(path: str | Path) -> int:
    """Return the number of frames of a video file, without decoding them.

    Raises ``InputError`` if the file cannot be read, is not a video, or contains no frame.
    """
    with open_video(path) as (container, stream):
        count = sum(packet.size > 0 and not packet.is_discard for packet in read_packets(container, stream))
    if not count:
        raise InputError(f"video {path} contains no frame. Copy it again.")
    return count


def _breaks_off(path: str | Path, num_frames: int, reason: str) -> InputError:
    return InputError(
        f"cannot read video {path} beyond frame {num_frames}: {reason}. Copy it again, or keep the readable part: "
        "ffmpeg -i <video> repaired.mp4"
    )


def _make_clock(
    path: str | Path, container: InputContainer, stream: VideoStream, head: Sequence[av.Packet], *, fps: float | None
) -> FrameClock:
    """Return the clock of a video, which follows the frame rate if there are no time stamps or most are equal."""
    interval = packet_interval(head)
    is_timed = any(packet.pts is not None or packet.dts is not None for packet in head)
    if interval or (is_timed and interval is None):
        interval = interval or 1 / DEFAULT_RATE  # a single frame
        return FrameClock(interval, resets_clock=bool(container.format.flags & RESETS_CLOCK))
    rate = fps or float(stream.guessed_rate or DEFAULT_RATE)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise InputError(
            f"the time stamps of video {path} are equal, and its frame rate of {rate:g}/s is implausible. Set the frame "
            "rate: --fps 25"
        )
    return FrameClock(1 / rate, trusts_stamps=False)
