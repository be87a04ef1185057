"""Image files that contain several frames: animated WebP, AVIF and PNG, TIFF stacks. FFmpeg decodes animated GIFs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from mdhr.data.video.frame import ArrayFrame
from mdhr.data.video.frame_images import rgb_array
from mdhr.data.video.frame_times import TimeGrid
from mdhr.data.video.image_folder import DEFAULT_FPS
from mdhr.errors import InputError


@dataclass(frozen=True)
class AnimatedImage:
    """Frames of an animated image.

    Attributes:
        path: path of the file.
        fps: frames to keep per second; for a file without durations, its frame rate (default 25).
        notes: empty.
    """

    path: Path
    fps: float | None = None
    notes: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    @property
    def interval(self) -> float:
        """Duration of the first frame in seconds, at least ``1 / fps``; see :class:`FrameSource`.

        Raises ``InputError`` if the frame cannot be read.
        """
        return max(next(self._pages())[1], 1 / self.fps if self.fps else 0.0)

    def frames(self) -> Iterator[ArrayFrame]:
        """See :class:`FrameSource`."""
        time, grid = 0.0, TimeGrid(self.fps, self.interval)
        for frame, duration in self._pages():
            if grid.accepts(time):
                yield ArrayFrame(time, frame)
            time += duration

    def _pages(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield all frames with their durations in seconds."""
        num_read = 0
        try:
            with Image.open(self.path) as image:
                for page in ImageSequence.Iterator(image):
                    frame = rgb_array(page)  # decoding the page sets its duration
                    num_read += 1
                    yield frame, page.info.get("duration", 0) / 1000 or 1 / (self.fps or DEFAULT_FPS)
        except Exception as error:  # Pillow raises errors of many types for broken files
            raise InputError(f"cannot read {self.path} beyond frame {num_read}: {error}. Copy it again.") from error


def is_animated(path: Path) -> bool:
    """Return whether an image file contains several frames; False if it cannot be read."""
    try:
        with Image.open(path) as image:
            return getattr(image, "is_animated", False)
    except Exception:  # the error is reported when the image is decoded
        return False
