"""Where the pictures of one video come from: a file, or a folder of images. Both can be read as often as needed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import simplejpeg

from mdhr.data.video.decoding import read_video
from mdhr.data.video.frame_images import decode_image
from mdhr.errors import InputError

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Suffixes of images, in lower case."""
IMAGE_RATE = 25.0
"""Images of a folder a second, if nobody says otherwise."""


class DownscaledFrame(NamedTuple):
    """A picture made small enough to look for faces in it."""

    time: float
    """Seconds."""
    image: np.ndarray
    """``(h, w, 3)`` uint8 RGB."""
    scale: float
    """Pixels of the picture for one of the image."""


class FrameSource(Protocol):
    """The frames of one video, always the same ones in the same order."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Seconds and picture ``(H, W, 3)`` uint8 RGB; raises ``InputError`` that names a broken file."""

    def glances(self, longest_side: int) -> Iterator[DownscaledFrame]:
        """The same frames, not larger than ``longest_side`` pixels."""


@dataclass(frozen=True)
class VideoFile:
    """A video file.

    Attributes:
        path: the file.
        fps: frames a second to keep; None, or more than it has, keeps all.
        positions: ascending positions of the pictures to keep; None keeps all.
    """

    path: str | Path
    fps: float | None = None
    positions: Sequence[int] | None = None

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """See :class:`FrameSource`; raises ``InputError`` where the video ends before the last position."""
        if self.positions is None:
            yield from read_video(self.path, fps=self.fps)
            return
        wanted, last = set(self.positions), max(self.positions)
        for position, frame in enumerate(read_video(self.path)):
            if position in wanted:
                yield frame
            if position == last:
                return
        raise InputError(f"{self.path} ends after {position + 1} frames, but frame {last + 1} is wanted: copy it again")

    def glances(self, longest_side: int) -> Iterator[DownscaledFrame]:
        """See :class:`FrameSource`."""
        for time, frame in self.frames():
            yield glance(time, frame, longest_side)


@dataclass(frozen=True)
class ImageFolder:
    """Images of a video, one file a frame.

    Attributes:
        folder: where they are.
        names: file names in the order of time.
        times: seconds of each.
    """

    folder: Path
    names: Sequence[str]
    times: Sequence[float]

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.folder)

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """See :class:`FrameSource`."""
        for time, name in zip(self.times, self.names, strict=True):
            yield time, _decoded(self.folder / name, _content(self.folder / name))

    def glances(self, longest_side: int) -> Iterator[DownscaledFrame]:
        """See :class:`FrameSource`; JPEGs are decoded at a fraction of their size, which is several times as fast."""
        for time, name in zip(self.times, self.names, strict=True):
            content = _content(self.folder / name)
            if not content.startswith(b"\xff\xd8"):
                yield glance(time, _decoded(self.folder / name, content), longest_side)
                continue
            try:
                height, width, *_ = simplejpeg.decode_jpeg_header(content)
                least = {"min_height": longest_side} if height >= width else {"min_width": longest_side}
                image = simplejpeg.decode_jpeg(content, "RGB", **least)
            except ValueError as error:
                raise _broken(self.folder / name, error) from error
            seen = glance(time, image, longest_side)
            yield seen._replace(scale=max(height, width) / max(seen.image.shape))


def open_source(path: str | Path, *, fps: float | None = None) -> FrameSource:
    """The frames of a video file, or of a folder of images in the order of the numbers in their names.

    Parameters
    ----------
    fps: of a video, frames a second to keep; of images, how many are a second (25 if it is not said).

    Raises ``InputError`` that names the path if nothing is there, or no image in the folder.
    """
    path = Path(path)
    if not path.is_dir():
        if not path.exists():
            raise InputError(f"there is no video {path}: give the path of a video file or of a folder of images")
        return VideoFile(path, fps=fps)
    names = sorted((file.name for file in path.iterdir() if is_image(file)), key=_by_number)
    if not names:
        raise InputError(f"{path} holds no image ({', '.join(sorted(IMAGES))}): give a video or a folder of images")
    return ImageFolder(path, names, [position / (fps or IMAGE_RATE) for position in range(len(names))])


def is_image(path: Path) -> bool:
    """By its name; hidden files are none."""
    return path.suffix.lower() in IMAGES and not path.name.startswith(".")


def _by_number(name: str) -> list[tuple[int, str]]:
    """``frame9`` comes before ``frame10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def glance(time: float, frame: np.ndarray, longest_side: int) -> DownscaledFrame:
    """A picture reduced to ``longest_side`` pixels, if it is larger."""
    scale = max(1.0, max(frame.shape[:2]) / longest_side)
    small = frame
    if scale > 1:
        small = cv2.resize(frame, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    return DownscaledFrame(time, small, scale)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; copy it again") from error


def _decoded(path: Path, content: bytes) -> np.ndarray:
    try:
        return decode_image(content)
    except (ValueError, OSError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is truncated or no image ({error}): copy it again")
