"""Frames reduced to the resolution of a face detector."""

from typing import NamedTuple

import cv2
import numpy as np


class DownscaledFrame(NamedTuple):
    """Frame reduced to the resolution of a face detector."""

    time: float
    """Time stamp in seconds."""
    image: np.ndarray
    """``(h, w, 3)`` uint8 RGB."""
    scale: float
    """Pixels of the full-size frame per pixel of ``image``, at least 1."""


def downscale(time: float, frame: np.ndarray, longest_side: int) -> DownscaledFrame:
    """Return a frame, downscaled if it is larger than ``longest_side`` pixels."""
    scale = max(1.0, max(frame.shape[:2]) / longest_side)
    image = frame
    if scale > 1:
        image = cv2.resize(frame, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    return DownscaledFrame(time, image, scale)
