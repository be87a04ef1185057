"""Encodes pictures to a video that any player shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mdhr.errors import InputError
from mdhr.files.atomic import temporary_path

TICKS = 90_000
"""Time stamps a second."""


@contextmanager
def write_video(path: Path) -> Iterator[Callable[[float, np.ndarray], None]]:
    """Give a function that takes seconds, increasing, and a picture ``(H, W, 3)`` uint8 RGB; H and W even.

    Writes H.264 in MP4, every picture with a time of its own. The file appears whole or not at all.

    Raises ``InputError`` where it cannot be written.
    """
    try:
        with (
            temporary_path(path) as temporary,
            av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as container,
        ):
            stream = container.add_stream("libx264", options={"crf": "20", "preset": "veryfast"})
            stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, TICKS)
            stream.codec_context.time_base = stream.time_base
            begin: float | None = None

            def add(seconds: float, picture: np.ndarray) -> None:
                nonlocal begin
                if begin is None:
                    begin = seconds
                    stream.height, stream.width = picture.shape[:2]
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round((seconds - begin) * TICKS), stream.time_base
                container.mux(stream.encode(frame))

            yield add
            container.mux(stream.encode())
    except av.FFmpegError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
