"""Decodes a video file, frame by frame, upright."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from mdhr.errors import InputError


def read_video(path: str | Path, *, fps: float | None = None) -> Iterator[tuple[float, np.ndarray]]:
    """Yield ``(seconds, frame)``, frames ``(H, W, 3)`` uint8 RGB, turned as the file says they are to be shown.

    Parameters
    ----------
    fps: frames a second to keep; None, or more than the file has, keeps them all.

    Raises ``InputError`` that names the file if it is absent, no video, broken or without a frame.
    """
    next_time = -np.inf
    empty = True
    num_decoded = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no video stream")
            stream = container.streams.video[0]
            for index, frame in enumerate(container.decode(stream)):
                num_decoded = index + 1
                time = float(index / (stream.average_rate or 25)) if frame.time is None else frame.time
                if time < next_time:
                    continue
                if fps is not None:
                    # Half a millisecond: time stamps are rounded. The grid stays, so that no error adds up.
                    next_time = time + 1 / fps - 5e-4 if empty else next_time + 1 / fps
                empty = False
                yield time, upright(frame.to_ndarray(format="rgb24"), frame.rotation)
    except av.FFmpegError as error:
        if num_decoded:
            raise InputError(
                f"cannot read video {path} beyond its frame {num_decoded}: {error.strerror}; copy it again, or keep "
                "what is whole of it: ffmpeg -i <it> mended.mp4"
            ) from error
        broken = isinstance(error, av.InvalidDataError | av.EOFError)
        mend = "; if it is a video, it is not whole: copy it again" if broken else ""
        raise InputError(f"cannot read video {path}: {error.strerror}{mend}") from error
    if empty:
        raise InputError(f"{path} holds no frame")


def expected_frames(path: str | Path, *, fps: float | None = None) -> int:
    """How many pictures :func:`read_video` will give by what the file says of itself; 0 where it says nothing."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            seconds = (container.duration or 0) / av.time_base
            num_frames = stream.frames or round(seconds * float(stream.average_rate or 0))
    except (av.FFmpegError, IndexError):
        return 0
    return min(num_frames, round(seconds * fps)) if fps and seconds else num_frames


def count_frames(path: str | Path) -> int:
    """How many pictures a video file holds, without decoding them.

    Raises ``InputError`` that names the file if it is no video or holds no picture.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no video stream")
            stream = container.streams.video[0]
            count = sum(packet.size > 0 for packet in container.demux(stream))
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"cannot read video {path}: {error.strerror}") from error
    if not count:
        raise InputError(f"{path} holds no frame")
    return count


def upright(frame: np.ndarray, rotation: int) -> np.ndarray:
    """Turn a frame anticlockwise by ``rotation`` degrees, a multiple of 90, as phones ask for."""
    return np.ascontiguousarray(np.rot90(frame, round(rotation / 90)))
