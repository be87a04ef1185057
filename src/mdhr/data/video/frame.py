"""One frame of a video, decoded to pixels on request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

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


class Frame(Protocol):
    """One frame of a video. Its pixels are converted on request, so that waiting frames need little memory."""

    @property
    def time(self) -> float:
        """Time stamp in seconds."""

    def rgb(self) -> np.ndarray:
        """Return the frame as ``(H, W, 3)`` uint8 RGB.

        Raises ``InputError`` if it cannot be read.
        """

    def downscaled(self, longest_side: int) -> DownscaledFrame:
        """Return the frame, downscaled to at most ``longest_side`` pixels.

        Raises ``InputError`` if it cannot be read.
        """


@dataclass(frozen=True)
class ArrayFrame:
    """Decoded frame as a :class:`Frame`.

    Attributes:
        time: time stamp in seconds.
        image: ``(H, W, 3)`` uint8 RGB.
    """

    time: float
    image: np.ndarray

    def rgb(self) -> np.ndarray:
        """See :class:`Frame`."""
        return self.image

    def downscaled(self, longest_side: int) -> DownscaledFrame:
        """See :class:`Frame`."""
        return downscale(self.time, self.image, longest_side)


def downscale(time: float, frame: np.ndarray, longest_side: int) -> DownscaledFrame:
    """Return a frame, downscaled if it is larger than ``longest_side`` pixels."""
    scale = max(1.0, max(frame.shape[:2]) / longest_side)
    image = frame
    if scale > 1:
        image = cv2.resize(frame, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    return DownscaledFrame(time, image, scale)


def median_interval(time: Sequence[float] | np.ndarray, *, default: float) -> float:
    """Return the median distance of neighboring time stamps ``(F,)`` in seconds.

    Returns ``default`` if there are fewer than two frames, or if the time stamps do not increase.
    """
    interval = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    return interval if interval > 0 else default
