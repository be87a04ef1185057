"""Frames of one video, from a video file or a folder of images."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import simplejpeg

from mdhr.data.video.decoding import read_video
from mdhr.data.video.frame_images import JPEG_START, decode_image
from mdhr.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""File name suffixes of images, in lower case."""
DEFAULT_IMAGE_FPS = 25.0
"""Frame rate of image folders if none is given."""


class DownscaledFrame(NamedTuple):
    """Frame reduced to the resolution of a face detector."""

    time: float
    """Time stamp in seconds."""
    image: np.ndarray
    """``(h, w, 3)`` uint8 RGB."""
    scale: float
    """Pixels of the full-size frame per pixel of ``image``, at least 1."""


class FrameSource(Protocol):
    """Frames of one video. Every pass yields the same frames in the same order."""

    @property
    def name(self) -> str:
        """Path of the video, for messages."""

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the time stamp in seconds and the frame ``(H, W, 3)`` uint8 RGB.

        Raises ``InputError`` if a file cannot be read.
        """

    def downscaled_frames(self, longest_side: int) -> Iterator[DownscaledFrame]:
        """Yield the same frames, downscaled to at most ``longest_side`` pixels."""


@dataclass(frozen=True)
class VideoFile:
    """Frames of a video file.

    Attributes:
        path: path of the file.
        fps: frames to keep per second; all frames if None or above the frame rate of the file. Not used with
            ``positions``.
        positions: ascending indices of the frames to keep; all frames if None.
    """

    path: str | Path
    fps: float | None = None
    positions: Sequence[int] | None = None

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """See :class:`FrameSource`. Also raises ``InputError`` if the video ends before the last position."""
        if self.positions is None:
            yield from read_video(self.path, fps=self.fps)
            return
        selected, last = set(self.positions), max(self.positions)
        for position, frame in enumerate(read_video(self.path)):
            if position in selected:
                yield frame
            if position == last:
                return
        raise InputError(
            f"{self.path} has {position + 1} frames, but frame {last + 1} is required. The file is incomplete: copy "
            "it again."
        )

    def downscaled_frames(self, longest_side: int) -> Iterator[DownscaledFrame]:
        """See :class:`FrameSource`."""
        for time, frame in self.frames():
            yield downscale(time, frame, longest_side)


@dataclass(frozen=True)
class ImageFolder:
    """Frames of a video that is stored as one image file per frame.

    Attributes:
        folder: folder of the images.
        names: file names in temporal order.
        times: time stamp of each in seconds.
    """

    folder: Path
    names: Sequence[str]
    times: Sequence[float]

    @property
    def name(self) -> str:
        """Path of the folder."""
        return str(self.folder)

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """See :class:`FrameSource`."""
        for time, name in zip(self.times, self.names, strict=True):
            yield time, _decode(self.folder / name, _read_bytes(self.folder / name))

    def downscaled_frames(self, longest_side: int) -> Iterator[DownscaledFrame]:
        """See :class:`FrameSource`. Decodes JPEGs at reduced resolution, which is several times faster."""
        for time, name in zip(self.times, self.names, strict=True):
            content = _read_bytes(self.folder / name)
            if not content.startswith(JPEG_START):
                yield downscale(time, _decode(self.folder / name, content), longest_side)
                continue
            try:
                height, width, *_ = simplejpeg.decode_jpeg_header(content)
                min_size = {"min_height": longest_side} if height >= width else {"min_width": longest_side}
                image = simplejpeg.decode_jpeg(content, "RGB", **min_size)
            except ValueError as error:
                raise _unreadable(self.folder / name, error) from error
            frame = downscale(time, image, longest_side)
            yield frame._replace(scale=max(height, width) / max(frame.image.shape))


def open_source(path: str | Path, *, fps: float | None = None) -> FrameSource:
    """Return the frames of a video file, or of a folder of images in the order of the numbers in their names.

    Args:
        fps: frames to keep per second of a video file, or frame rate of an image folder (default 25).

    Raises ``InputError`` if the path does not exist, or the folder contains no image.
    """
    path = Path(path)
    if not path.is_dir():
        if not path.exists():
            raise InputError(f"video {path} does not exist. Pass the path of a video file or of a folder of images.")
        return VideoFile(path, fps=fps)
    names = sorted((file.name for file in path.iterdir() if is_image(file)), key=_numeric_key)
    if not names:
        raise InputError(
            f"folder {path} contains no image ({', '.join(sorted(IMAGE_SUFFIXES))}). Pass the path of a video file or "
            "of a folder of images."
        )
    return ImageFolder(path, names, [position / (fps or DEFAULT_IMAGE_FPS) for position in range(len(names))])


def is_image(path: Path) -> bool:
    """Return whether a file name has the suffix of an image and is not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def downscale(time: float, frame: np.ndarray, longest_side: int) -> DownscaledFrame:
    """Return a frame, downscaled if it is larger than ``longest_side`` pixels."""
    scale = max(1.0, max(frame.shape[:2]) / longest_side)
    image = frame
    if scale > 1:
        image = cv2.resize(frame, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    return DownscaledFrame(time, image, scale)


def frame_interval(time: np.ndarray, *, default: float) -> float:
    """Return the median distance of neighboring time stamps ``(F,)`` in seconds.

    Returns ``default`` if there are fewer than two frames, or if the time stamps do not increase.
    """
    interval = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    return interval if interval > 0 else default


def _numeric_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key that places ``frame9`` before ``frame10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read image {path}: {error.strerror}. Copy it again.") from error


def _decode(path: Path, content: bytes) -> np.ndarray:
    try:
        return decode_image(content)
    except (ValueError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is truncated or not an image ({error}). Copy it again.")
