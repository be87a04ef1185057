"""Videos that are stored as one image file per frame."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg

from mdhr.data.video.downscaled_frame import DownscaledFrame, downscale
from mdhr.data.video.frame_images import JPEG_START, decode_image
from mdhr.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""File name suffixes of images, in lower case."""
DEFAULT_FPS = 25.0
"""Frame rate if none is given."""


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


def open_image_folder(path: Path, *, fps: float | None = None) -> ImageFolder:
    """Return the images of a folder in the order of the numbers in their names.

    Args:
        fps: frame rate (default 25).

    Raises ``InputError`` if the folder contains no image.
    """
    names = sorted((file.name for file in path.iterdir() if is_image(file)), key=_numeric_key)
    if not names:
        raise InputError(
            f"folder {path} contains no image ({', '.join(sorted(IMAGE_SUFFIXES))}). Pass the path of a video file or "
            "of a folder of images."
        )
    return ImageFolder(path, names, [position / (fps or DEFAULT_FPS) for position in range(len(names))])


def is_image(path: Path) -> bool:
    """Return whether a file name has the suffix of an image and is not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


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
