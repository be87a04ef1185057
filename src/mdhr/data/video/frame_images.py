"""Image files of single frames: reading, decoding and writing."""

import io
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from mdhr.errors import InputError, shown
from mdhr.files.git_lfs import GIT_LFS_START
from mdhr.files.regular_file import read_regular

JPEG_START = b"\xff\xd8"
"""First bytes of every JPEG file."""
MAX_PIXELS = 178_956_970
"""Pixels of the largest image that is decoded; Pillow's limit against decompression bombs."""
MAX_FILE_BYTES = 2**30
"""Size of the largest image file."""


def read_image(path: Path) -> np.ndarray:
    """Return an image file as ``(H, W, 3)`` uint8 RGB, upright.

    Raises ``InputError`` if it is not a regular file, or cannot be read or decoded; see :func:`decode_image`.
    """
    return read_reduced_image(path, None)[0]


def read_reduced_image(path: Path, longest_side: int | None) -> tuple[np.ndarray, int]:
    """Return an upright image, and the longest side in pixels of the image in the file.

    A JPEG is decoded at the smallest of its reduced resolutions whose longest side is at least ``longest_side``, which
    is several times faster.

    Raises ``InputError`` as :func:`read_image` does.
    """
    try:
        content = read_regular(path, max_bytes=MAX_FILE_BYTES)
    except InputError as error:
        raise InputError(f"image {error}. Copy it again.") from error
    try:
        return _decode(content, longest_side)
    except ValueError as error:
        raise InputError(f"{path} is truncated or not an image ({error}). Copy it again.") from error


def read_frame(path: str, size: int, *, buffer: np.ndarray | None = None) -> np.ndarray:
    """Return a face image as ``(size, size, 3)`` uint8 RGB; images of another size are resized.

    Args:
        buffer: a :func:`frame_buffer`, to be faster. Its memory may become that of the result, which its next use
            overwrites.

    Raises ``InputError`` if the file is absent, truncated or not an image. Most decoders fill the missing part of a
    truncated file with gray, which would become training data.
    """
    try:
        content = read_regular(path, max_bytes=MAX_FILE_BYTES)
    except InputError as error:
        raise InputError(f"frame {error}. Prepare the data set again.") from error
    try:
        frame = _decode(content, None, buffer)[0]
    except ValueError as error:
        raise InputError(
            f"frame {path} is truncated or not an image ({error}). Delete it and prepare the data set again."
        ) from error
    if frame.shape[:2] != (size, size):
        frame = cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA)
    return frame


def frame_buffer(size: int) -> np.ndarray:
    """Return memory for a frame ``(size, size, 3)`` uint8 that is not aligned to 32 bytes.

    libjpeg-turbo bypasses the cache of the processor when it writes to aligned memory. Code that reads the frame then waits
    for main memory.
    """
    num_bytes = size * size * 3
    memory = np.empty(num_bytes + 32, np.uint8)
    start = (16 - memory.ctypes.data) % 32
    return memory[start : start + num_bytes]


def decode_image(content: bytes) -> np.ndarray:
    """Return an encoded image as ``(H, W, 3)`` uint8 RGB, upright according to its EXIF orientation.

    Of an animated image, the first frame is returned. Transparency is ignored. For gray images of more than 8 bits,
    see :func:`rgb_array`.

    Raises ``ValueError`` if the content is truncated, not an image, or larger than ``MAX_PIXELS``.
    """
    return _decode(content, None)[0]


def rgb_array(image: Image.Image) -> np.ndarray:
    """Return a Pillow image as ``(H, W, 3)`` uint8 RGB, upright according to its EXIF orientation.

    16-bit values are divided by 256, as Pillow does for colors, and OpenCV for all images. Floating-point values from 0
    to 1 are multiplied by 255.

    Raises ``ValueError`` for values out of these ranges.
    """
    image = ImageOps.exif_transpose(image)
    if not image.mode.startswith(("I", "F")):
        return np.array(image.convert("RGB"))
    gray = np.array(image)
    limit = 1 if image.mode == "F" else 65535
    if not (gray.min() >= 0 and gray.max() <= limit):  # also true for NaN
        raise ValueError(f"gray values from {gray.min():g} to {gray.max():g}, expected 0 to {limit}: convert to 8 bits")
    gray = np.rint(gray * 255) if image.mode == "F" else gray // 256
    return np.repeat(gray.astype(np.uint8)[..., None], 3, axis=-1)


def exif_orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8, in EXIF data; 1 if there is none or the data are damaged."""
    parsed = Image.Exif()
    try:
        parsed.load(exif)
        return parsed.get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises errors of many types for damaged EXIF data
        return 1


def write_frame(path: Path, frame: np.ndarray, *, quality: int) -> bytes:
    """Write a frame ``(S, S, 3)`` uint8 RGB as JPEG and return the content of the file."""
    content = simplejpeg.encode_jpeg(np.ascontiguousarray(frame), quality=quality)
    path.write_bytes(content)
    return content


def frame_name(frame: int) -> str:
    """Return the file name of a frame number: ``00012.jpg``."""
    return f"{frame:05d}.jpg"


def _decode(content: bytes, longest_side: int | None, buffer: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Return an image as :func:`read_reduced_image` does; raises ``ValueError`` if it cannot be decoded."""
    if not content:
        raise ValueError("the file is empty")
    if content.startswith(GIT_LFS_START):
        raise ValueError("it is a Git LFS pointer: run `git lfs pull`")
    try:
        if content.startswith(JPEG_START):  # simplejpeg decodes 1.5 times as fast as Pillow
            return _decode_jpeg(content, longest_side, buffer)
        with Image.open(io.BytesIO(content)) as image:
            return rgb_array(image), max(image.size)
    except UnidentifiedImageError as error:
        raise ValueError("unknown format") from error
    except Exception as error:  # Pillow raises errors of many types for broken files
        raise ValueError(shown(str(error))) from error


def _decode_jpeg(content: bytes, longest_side: int | None, buffer: np.ndarray | None) -> tuple[np.ndarray, int]:
    height, width, *_ = simplejpeg.decode_jpeg_header(content)
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width} x {height} pixels, more than the limit of {MAX_PIXELS:,}")
    min_size = {} if longest_side is None else {"min_height" if height >= width else "min_width": longest_side}
    if buffer is not None and buffer.nbytes < height * width * 3:
        buffer = None
    frame = simplejpeg.decode_jpeg(content, "RGB", buffer=buffer, **min_size)
    start = content.find(b"Exif\0\0")
    orientation = exif_orientation(content[start : start + 65536]) if start >= 0 else 1  # a segment is no longer
    if orientation != 1:
        image = Image.fromarray(frame)
        image.getexif()[ExifTags.Base.Orientation] = orientation
        frame = np.array(ImageOps.exif_transpose(image))
    return frame, max(height, width)
