"""Frames of one video, from a video file or a folder of images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from mdhr.data.video.animated_image import AnimatedImage, is_animated
from mdhr.data.video.decoding import DecodedFrame, decode_video, expected_frames, frame_interval_of, to_rgb
from mdhr.data.video.frame import DownscaledFrame, Frame
from mdhr.data.video.image_folder import DEFAULT_FPS, ImageFolder, is_image, open_image_folder
from mdhr.errors import InputError
from mdhr.files.git_lfs import is_git_lfs_pointer

_HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})


class FrameSource(Protocol):
    """Frames of one video. Every pass yields the same frames in the same order."""

    @property
    def name(self) -> str:
        """Path of the video, for messages."""

    @property
    def interval(self) -> float:
        """Median distance of neighboring frames in seconds, determined without decoding."""

    @property
    def notes(self) -> Sequence[str]:
        """Phrases about what was assumed or skipped, for the user; complete after the last frame."""

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in temporal order.

        Raises ``InputError`` if a file cannot be read.
        """


@dataclass(frozen=True)
class VideoFile:
    """Frames of a video file.

    Attributes:
        path: path of the file.
        fps: frames to keep per second; all frames if None or above the frame rate of the file. Not used with
            ``positions``.
        positions: ascending indices of the frames to keep; all frames if None.
        notes: see :class:`FrameSource`.
    """

    path: str | Path
    fps: float | None = None
    positions: Sequence[int] | None = None
    notes: list[str] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    @cached_property
    def interval(self) -> float:
        """See :class:`FrameSource`."""
        interval = frame_interval_of(self.path, fps=self.fps) or 1 / DEFAULT_FPS
        if self.positions is not None and len(self.positions) > 1:
            interval *= float(np.median(np.diff(self.positions)))
        return interval

    def frames(self) -> Iterator["VideoFrame"]:
        """See :class:`FrameSource`. Also raises ``InputError`` if the video ends before the last position."""
        self.notes.clear()
        if self.positions is None:
            yield from map(VideoFrame, decode_video(self.path, fps=self.fps, notes=self.notes))
            return
        selected, last = set(self.positions), max(self.positions)
        for position, frame in enumerate(decode_video(self.path, notes=self.notes)):
            if position in selected:
                yield VideoFrame(frame)
            if position == last:
                return
        raise InputError(
            f"{self.path} has {position + 1} frames, but frame {last + 1} is required. The file is incomplete: copy "
            "it again."
        )


@dataclass(frozen=True)
class VideoFrame:
    """Frame of a video file in the pixel format of the file, which needs half the memory of RGB."""

    decoded: DecodedFrame

    @property
    def time(self) -> float:
        """Time stamp in seconds."""
        return self.decoded.time

    def rgb(self) -> np.ndarray:
        """See :class:`~mdhr.data.video.frame.Frame`."""
        return to_rgb(self.decoded.image)

    def downscaled(self, longest_side: int) -> DownscaledFrame:
        """See :class:`~mdhr.data.video.frame.Frame`. Only the downscaled frame is converted to RGB."""
        image = self.decoded.image
        scale = max(1.0, max(image.width, image.height) / longest_side)
        return DownscaledFrame(
            self.time, to_rgb(image, width=round(image.width / scale), height=round(image.height / scale)), scale
        )


def open_source(path: str | Path, *, fps: float | None = None) -> FrameSource:
    """Return the frames of a video file, an image file, or a folder of images; see :func:`open_images`.

    Args:
        fps: frames to keep per second of a video file, or frame rate of images (default 25).

    Raises ``InputError`` if the path does not exist, or the folder contains no image.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"video {path} does not exist. Pass the path of a video file or of a folder of images.")
    if not path.is_dir() and not path.is_file():  # opening a named pipe would block
        raise InputError(f"video {path} is not a regular file. Pass the path of a video file or of a folder of images.")
    if is_git_lfs_pointer(path):
        raise InputError(f"video {path} is a Git LFS pointer, not the video. Run `git lfs pull`.")
    if path.suffix.lower() in _HEIC_SUFFIXES:  # FFmpeg would decode one tile of the image
        raise InputError(f"image {path} is in HEIC format, which is not supported. Convert it to JPEG or PNG.")
    if images := open_images(path, fps=fps):
        return images
    return AnimatedImage(path, fps=fps) if is_image(path) else VideoFile(path, fps=fps)


def open_images(path: str | Path, *, fps: float | None = None) -> ImageFolder | None:
    """Return the images of a folder in the order of the numbers in their names, or the single image of an image file.

    Returns None for a video file and for an animated image.

    Raises ``InputError`` if the folder contains no image.
    """
    path = Path(path)
    if path.is_dir():
        return open_image_folder(path, fps=fps)
    if is_image(path) and not is_animated(path):
        return ImageFolder(path.parent, [path.name], [0.0])
    return None


def expected_length(path: Path, *, fps: float | None = None) -> int:
    """Return the number of frames according to the header of a video or the files of a folder; 0 if unknown."""
    try:
        images = open_images(path)
        return len(images.names) if images else expected_frames(path, fps=fps)
    except Exception:  # a damaged header; the error is reported when the frames are read
        return 0
