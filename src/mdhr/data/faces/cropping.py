"""The square that is cut around a face: the rule, its smoothing over a video, the cut.

The rule frames a face as the renderer frames its own: measured on 20 rendered people, with u the distance from the
middle of the eyes to the middle of the mouth corners, brow to chin is 1.92 u and the middle of the frame lies 0.60 u
below the eyes. So a crop

- has its middle on the line from the eyes to the mouth, 0.60 u from the eyes,
- is 1.92 u / ``fill`` wide and high, ``fill`` being the share of its height from brow to chin,
- is turned so that the line through the eyes is horizontal.

Without landmarks a box of height h stands in: middle 0.07 h below the box's, u = 0.386 h, not turned (measured on a
real clip where both are known).
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from mdhr.data.faces.detection import Face

FILL = 0.74
"""Share of the crop's height from brow to chin, also where faces are rendered at zoom 1; the rest is forehead and room
for the jaw to drop."""
BROW_TO_CHIN = 1.92
MIDDLE = 0.60
BOX_UNIT = 0.386
BOX_MIDDLE = 0.07


class CropBox(NamedTuple):
    """A turned square in the source image."""

    x: float
    """Middle, pixels to the right."""
    y: float
    """Middle, pixels down."""
    size: float
    """Width and height in source pixels."""
    roll: float
    """Degrees by which the face is tilted clockwise."""


def crop_box(face: Face, *, fill: float = FILL) -> CropBox:
    """The crop of one face by the rule above."""
    if face.landmarks is None:
        x, y, width, height = face.box
        unit = BOX_UNIT * height
        return CropBox(x + width / 2, y + height * (0.5 + BOX_MIDDLE), unit * BROW_TO_CHIN / fill, 0.0)
    eyes, mouth = face.landmarks[:2].mean(0), face.landmarks[3:].mean(0)
    middle = eyes + MIDDLE * (mouth - eyes)
    unit = float(np.linalg.norm(mouth - eyes))
    across, down = face.landmarks[1] - face.landmarks[0]
    return CropBox(middle[0], middle[1], unit * BROW_TO_CHIN / fill, float(np.degrees(np.arctan2(down, across))))


def whole_image(height: int, width: int) -> CropBox:
    """The central square of an image that is a crop already."""
    return CropBox((width - 1) / 2, (height - 1) / 2, float(min(height, width)), 0.0)


def fill_gaps(boxes: Sequence[Sequence[float] | np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
    """``(F, 4)`` boxes, or any number of columns, the nearest in time where there is none, and ``(F,)`` boolean: was a
    face found?

    There must be one box at least.
    """
    found = np.array([box is not None for box in boxes])
    known = np.flatnonzero(found)
    frames = np.arange(len(boxes))
    later = np.searchsorted(known, frames).clip(max=len(known) - 1)
    earlier = (later - 1).clip(min=0)
    nearest = np.where(abs(known[earlier] - frames) <= abs(known[later] - frames), known[earlier], known[later])
    return np.array([boxes[i] for i in nearest], dtype=np.float64), found


def smooth(boxes: np.ndarray, *, sigma: float) -> np.ndarray:
    """Boxes ``(F, 4)`` smoothed along time by a Gaussian of ``sigma`` frames."""
    return gaussian_filter1d(boxes, sigma, axis=0, mode="nearest") if sigma > 0 else boxes


def cut(frame: np.ndarray, box: Sequence[float], size: int) -> np.ndarray:
    """``(size, size, 3)`` uint8: the box, upright; beyond the image its edge is repeated."""
    x, y, side, roll = box
    # Cut at a multiple of the size and average: a bilinear cut at less than half the size would alias.
    fine = size * max(1, round(side / size))
    turn = np.asarray(
        cv2.getRotationMatrix2D((x, y), roll, fine / side), np.float64
    )  # turns anticlockwise: a clockwise tilt is undone
    turn[:, 2] += (fine - 1) / 2 - np.array([x, y])
    crop = cv2.warpAffine(frame, turn, (fine, fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop if fine == size else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
