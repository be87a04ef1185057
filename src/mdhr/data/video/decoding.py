"""Video decoding."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from mdhr.errors import InputError


def read_video(path: str | Path, *, fps: float | None = None) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the time stamp in seconds and the frame ``(H, W, 3)`` uint8 RGB, rotated as specified by the file.

    Args:
        fps: frames to keep per second; all frames if None or above the frame rate of the file.

    Raises ``InputError`` if the file is absent, damaged, not a video, or without frames.
    """
    next_time = -np.inf
    empty = True
    num_decoded = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} contains no video stream. Pass the path of a video file.")
            stream = container.streams.video[0]
            for index, frame in enumerate(container.decode(stream)):
                num_decoded = index + 1
                time = float(index / (stream.average_rate or 25)) if frame.time is None else frame.time
                if time < next_time:
                    continue
                if fps is not None:
                    # Half a millisecond of tolerance for rounded time stamps. The grid is fixed by the first frame, so
                    # that errors do not accumulate.
                    next_time = time + 1 / fps - 5e-4 if empty else next_time + 1 / fps
                empty = False
                yield time, _rotate(frame.to_ndarray(format="rgb24"), frame.rotation)
    except av.FFmpegError as error:
        if num_decoded:
            raise InputError(
                f"cannot read video {path} beyond frame {num_decoded}: {error.strerror}. Copy it again, or keep the "
                "readable part: ffmpeg -i <video> repaired.mp4"
            ) from error
        damaged = isinstance(error, av.InvalidDataError | av.EOFError)
        hint = ". If the file is a video, it is incomplete: copy it again." if damaged else ""
        raise InputError(f"cannot read video {path}: {error.strerror}{hint}") from error
    if empty:
        raise InputError(f"video {path} contains no frame. Copy it again.")


def expected_frames(path: str | Path, *, fps: float | None = None) -> int:
    """Return the number of frames that :func:`read_video` yields according to the header of the file.

    Returns 0 if the header contains no number or the file cannot be read.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            seconds = (container.duration or 0) / av.time_base
            num_frames = stream.frames or round(seconds * float(stream.average_rate or 0))
    except (av.FFmpegError, IndexError):
        return 0
    return min(num_frames, round(seconds * fps)) if fps and seconds else num_frames


def count_frames(path: str | Path) -> int:
    """Return the number of frames of a video file, without decoding them.

    Raises ``InputError`` if the file cannot be read, is not a video, or contains no frame.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} contains no video stream. Pass the path of a video file.")
            stream = container.streams.video[0]
            count = sum(packet.size > 0 for packet in container.demux(stream))
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"cannot read video {path}: {error.strerror}") from error
    if not count:
        raise InputError(f"video {path} contains no frame. Copy it again.")
    return count


def _rotate(frame: np.ndarray, rotation: int) -> np.ndarray:
    """Return a frame rotated counterclockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(frame, round(rotation / 90)))
