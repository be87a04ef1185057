"""Video encoding: H.264 in MP4."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mdhr.errors import InputError, OutputError
from mdhr.files.atomic import temporary_path

TICKS = 90_000
"""Resolution of time stamps: ticks per second."""
NUM_THREADS = 4
"""Threads of the encoder. Its output depends on their number, not on the number of cores."""


@contextmanager
def write_video(path: Path) -> Iterator[Callable[[float, np.ndarray], None]]:
    """Provide a function that appends a frame to a new video file.

    The function takes a time stamp in seconds, greater than the previous one, and a frame ``(H, W, 3)`` uint8 RGB with
    even H and W. The file appears at ``path`` when it is complete.

    Raises ``InputError`` if the file cannot be written, ``OutputError`` if the disk is full.
    """
    try:
        with (
            temporary_path(path) as temporary,
            av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as container,
        ):
            stream = container.add_stream("libx264", options={"crf": "20", "preset": "veryfast"})
            stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, TICKS)
            stream.codec_context.time_base = stream.time_base
            stream.codec_context.thread_count = NUM_THREADS
            start: float | None = None

            def add(seconds: float, image: np.ndarray) -> None:
                nonlocal start
                if start is None:
                    start = seconds
                    stream.height, stream.width = image.shape[:2]
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = round((seconds - start) * TICKS), stream.time_base
                container.mux(stream.encode(frame))

            yield add
            container.mux(stream.encode())
    except (av.FFmpegError, OSError) as error:
        kind = OutputError if error.errno in (errno.ENOSPC, errno.EDQUOT) else InputError
        raise kind(f"cannot write video {path}: {error.strerror or error}") from error
