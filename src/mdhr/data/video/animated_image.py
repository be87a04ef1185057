"""Image files that contain several frames: animated WebP, AVIF and PNG, TIFF stacks. FFmpeg decodes animated GIFs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageSequence

from mdhr.data.video.frame import ArrayFrame
from mdhr.data.video.frame_images import rgb_array
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
        """Duration of the first frame in seconds; see :class:`FrameSource`."""
        with Image.open(self.path) as image:
            image.load()  # sets the duration
            interval = image.info.get("duration", 0) / 1000
        return max(interval or 1 / DEFAULT_FPS, 1 / self.fps if self.fps else 0.0)

    def frames(self) -> Iterator[ArrayFrame]:
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
                        yield ArrayFrame(time, frame)
                        next_time += 1 / self.fps if self.fps else 0.0
                        if next_time <= time and self.fps:  # after a pause
                            next_time = time + 1 / self.fps
                    time += milliseconds / 1000 if milliseconds else 1 / (self.fps or DEFAULT_FPS)
        except Exception as error:  # Pillow raises errors of many types for broken files
            raise InputError(f"cannot read {self.path} beyond frame {num_read}: {error}. Copy it again.") from error


def is_animated(path: Path) -> bool:
    """Return whether an image file contains several frames; False if it cannot be read."""
    try:
        with Image.open(path) as image:
            return getattr(image, "is_animated", False)
    except Exception:  # the error is reported when the image is decoded
        return False
