"""Video stream of a file: selection, packets, and what the header specifies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mdhr.errors import InputError

SPECIFIES_LENGTH = frozenset({"avi", "matroska,webm", "flv", "asf"})
"""Formats whose header contains the length of the video, and whose truncated files end without an error."""
MAX_THREADS = 4
"""Threads of a decoder. Each holds a frame, and other processes may decode at the same time."""
COUNTS_FROM_ZERO = frozenset({"avi", "matroska,webm", "asf"})
"""Formats whose length includes the time before the first frame."""


@contextmanager
def open_video(path: str | Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and select its video stream; errors of FFmpeg become ``InputError``."""
    try:
        with av.open(str(path)) as container:
            stream = select_stream(container)
            if stream is None:
                raise InputError(f"{path} contains no video stream. Pass the path of a video file.")
            stream.thread_type, stream.thread_count = "AUTO", min(MAX_THREADS, os.cpu_count() or 1)
            yield container, stream
    except av.FFmpegError as error:
        damaged = isinstance(error, av.InvalidDataError | av.EOFError)
        hint = ". If the file is a video, it is incomplete: copy it again." if damaged else ""
        raise InputError(f"cannot read video {path}: {error.strerror}{hint}") from error


def select_stream(container: InputContainer) -> VideoStream | None:
    """Return the default video stream, of several the largest; cover art and preview images are not a video."""
    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    videos = [stream for stream in container.streams.video if not stream.disposition & still]
    return max(
        videos,
        key=lambda stream: (bool(stream.disposition & Disposition.default), stream.width * stream.height),
        default=None,
    )


def read_packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Yield the packets of a stream; the last one is empty and makes the decoder return its remaining frames."""
    for packet in container.demux(stream):
        if packet.size or packet.dts is None:
            if container.format.name == "avi":
                packet.pts = None  # AVI has decoding time stamps only; libavformat makes wrong ones up
            yield packet


def header_seconds(container: InputContainer, stream: VideoStream, *, start: float) -> float | None:
    """Return the length of the video stream in seconds according to the header of its file; None if unknown.

    Args:
        start: time stamp of the first frame in seconds.
    """
    seconds = container.duration / av.time_base if container.duration else None
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        seconds = float(stream.frames / stream.average_rate)  # the duration is corrected by the size of the file
    if tag := stream.metadata.get("DURATION"):  # of Matroska
        hours, minutes, rest = tag.split(":")
        seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    return seconds - start if seconds and container.format.name in COUNTS_FROM_ZERO else seconds


def specified_seconds(container: InputContainer, stream: VideoStream, *, start: float) -> float | None:
    """Return the length of a video that ends earlier only if its file is truncated; None if there is no evidence."""
    if container.format.name not in SPECIFIES_LENGTH:
        return None
    own_length = container.format.name == "avi" or "DURATION" in stream.metadata
    return header_seconds(container, stream, start=start) if own_length or not container.streams.audio else None
