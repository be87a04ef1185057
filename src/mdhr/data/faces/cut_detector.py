"""Abrupt changes between frames of a video, such as cuts between two shots."""

from collections import deque

import cv2
import numpy as np

SAMPLES = 16
"""Width and height of the compared thumbnails in pixels."""
CUT = 18.0
"""Smallest mean absolute difference of the thumbnails at a cut, in gray levels. Within a real clip it is at most 4, and at
most 10 between frames of rendered videos 0.08 s apart."""
POSSIBLE_CUT = 6.0
"""The same where a cut between similar shots is possible."""
MIN_RATIO = 4.0
"""Ratio to the median difference of recent frames: a moving camera is not a cut."""
RECENT = 8
"""Number of recent differences."""


class CutDetector:
    """Measures abrupt changes between frames. Pass all frames of one video in order."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._differences: deque[float] = deque(maxlen=RECENT)

    def __call__(self, image: np.ndarray) -> float:
        """Return the difference of a frame ``(H, W, 3)`` uint8 from the previous one in gray levels; 0 if not abrupt."""
        thumbnail = cv2.resize(image, (SAMPLES, SAMPLES), interpolation=cv2.INTER_AREA).astype(np.float32)
        previous, self._last = self._last, thumbnail
        if previous is None:
            return 0.0
        difference = float(np.abs(thumbnail - previous).mean())
        usual = float(np.median(self._differences)) if self._differences else 0.0
        self._differences.append(difference)
        return difference if difference >= max(POSSIBLE_CUT, MIN_RATIO * usual) else 0.0
