"""One stored frame, from file to pixels and back."""

import io
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from mdhr.errors import InputError


def read_frame(path: str, size: int) -> np.ndarray:
    """Decode a face image to ``(size, size, 3)`` uint8 RGB; images stored at another size are resized.

    Raises ``InputError`` that names the file if it is absent, truncated or no image. A truncated file is refused
    although most decoders would fill it up with gray: such a frame would be learnt from.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            content = file.read()
    except OSError as error:
        raise InputError(f"cannot read frame {path}: {error.strerror}; prepare the data set again") from error
    try:
        frame = decode_image(content)
    except (ValueError, OSError) as error:
        raise InputError(f"frame {path} is truncated or no image ({error}): delete it and prepare again") from error
    if frame.shape[:2] != (size, size):
        frame = cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA)
    return frame


def decode_image(content: bytes) -> np.ndarray:
    """``(H, W, 3)`` uint8 RGB; raises ``ValueError`` or ``OSError`` if the content is not a whole image."""
    if content.startswith(b"\xff\xd8"):  # JPEG; simplejpeg decodes it half again as fast as Pillow
        return simplejpeg.decode_jpeg(content, colorspace="RGB")
    return np.array(Image.open(io.BytesIO(content)).convert("RGB"))


def write_frame(path: Path, frame: np.ndarray, *, quality: int) -> bytes:
    """Write an RGB frame ``(S, S, 3)`` uint8 as JPEG; returns what was written."""
    content = simplejpeg.encode_jpeg(np.ascontiguousarray(frame), quality=quality)
    path.write_bytes(content)
    return content


def frame_name(frame: int) -> str:
    """``00012.jpg``."""
    return f"{frame:05d}.jpg"
