"""Image files that contain several frames: animated WebP, AVIF and PNG, TIFF stacks. FFmpeg decodes animated GIFs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from mdhr.data.video.downscaled_frame import DownscaledFrame, downscale
from mdhr.data.video.frame_images import rgb_array
from mdhr.data.video.image_folder import DEFAULT_FPS
from mdhr.errors import InputError


@dataclass(frozen=True)
class AnimatedImage:
    """Frames of an animated image.

    Attributes:
        path: path of the file.
        fps: frames to keep per second; for a file without durations, its frame rate (default 25).
        notes: none; see :class:`FrameSource`.
    """

    path: Path
    fps: float | None = None
    notes: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """See :class:`FrameSource`."""
        time = next_time = 0.0
        num_read = 0
        try:
            with Image.open(self.path) as image:
                for page in ImageSequence.Iterator(image):
                    frame = rgb_array(page)  # decoding the page sets its duration
                    num_read += 1
                    milliseconds = page.info.get("duration")
                    if not milliseconds or time >= next_time - 1e-3:
                        yield time, frame
                        next_time += 1 / self.fps if self.fps else 0.0
                        if next_time <= time and self.fps:  # after a pause
                            next_time = time + 1 / self.fps
                    time += milliseconds / 1000 if milliseconds else 1 / (self.fps or DEFAULT_FPS)
        except Exception as error:  # Pillow raises errors of many types for broken files
            raise InputError(f"cannot read {self.path} beyond frame {num_read}: {error}. Copy it again.") from error

    def downscaled_frames(self, longest_side: int) -> Iterator[DownscaledFrame]:
        """See :class:`FrameSource`."""
        for time, frame in self.frames():
            yield downscale(time, frame, longest_side)


def is_animated(path: Path) -> bool:
    """Return whether an image file contains several frames; False if it cannot be read."""
    try:
        with Image.open(path) as image:
            return getattr(image, "is_animated", False)
    except Exception:  # the error is reported when the image is decoded
        return False
