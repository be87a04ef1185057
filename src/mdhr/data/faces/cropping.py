"""Face cropping: crop box from landmarks, filling of gaps, temporal smoothing, and resampling.

The crop box reproduces the framing of the rendered faces. Let u be the distance from the center of the eyes to the
center of the mouth corners. Measured on 20 rendered subjects, brow to chin is 1.92 u, and the center of the image is
0.60 u below the eyes. A crop box therefore

- has its center on the line from the eyes to the mouth, 0.60 u from the eyes,
- has a size of 1.92 u / ``fill``, where ``fill`` is the share of its height from brow to chin,
- is rotated so that the eyes and mouth are level. The roll is the direction of the sum of three vectors: eye to eye,
  mouth corner to mouth corner, and twice the vector from the mouth to the eyes turned by a right angle.

The detector reports less than half of the roll of faces below 90 pixels by their eyes alone. On the real clip, the mean
error of the roll is 2.3 degrees by this rule and 3.7 degrees by the eyes, compared with 478 landmarks.

Without landmarks, the face box of height h gives u = 0.386 h and a center 0.07 h below that of the box, without
rotation. Both factors were measured on a real clip with landmarks and boxes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from mdhr.data.faces.detection import Face

FILL = 0.74
"""Share of the crop's height from brow to chin, also of faces rendered at zoom 1. The rest is forehead and room for an
open jaw."""
BROW_TO_CHIN = 1.92
"""Distance from brow to chin in units of u."""
EYES_TO_CENTER = 0.60
"""Distance from the eyes to the center of the crop in units of u."""
BOX_UNIT = 0.386
"""u in units of the height of the face box."""
BOX_CENTER_OFFSET = 0.07
"""Distance from the center of the face box down to the center of the crop, in units of the height of the face box."""


class CropBox(NamedTuple):
    """Rotated square in the source image."""

    x: float
    """Center, pixels to the right."""
    y: float
    """Center, pixels down."""
    size: float
    """Width and height in source pixels."""
    roll: float
    """Clockwise tilt of the face in degrees."""


def crop_box(face: Face, *, fill: float = FILL) -> CropBox:
    """Return the crop box of a face, see the module's description.

    Args:
        fill: share of the crop's height from brow to chin.
    """
    if face.landmarks is None:
        x, y, width, height = face.box
        unit = BOX_UNIT * height
        return CropBox(x + width / 2, y + height * (0.5 + BOX_CENTER_OFFSET), unit * BROW_TO_CHIN / fill, 0.0)
    eyes, mouth = face.landmarks[:2].mean(0), face.landmarks[3:].mean(0)
    center = eyes + EYES_TO_CENTER * (mouth - eyes)
    unit = float(np.linalg.norm(mouth - eyes))
    across = face.landmarks[1] - face.landmarks[0] + face.landmarks[4] - face.landmarks[3]
    right, down = across + 2 * np.array([mouth[1] - eyes[1], eyes[0] - mouth[0]])
    return CropBox(center[0], center[1], unit * BROW_TO_CHIN / fill, float(np.degrees(np.arctan2(down, right))))


def central_square(height: int, width: int) -> CropBox:
    """Return the largest centered square of an image, for images that are face crops already."""
    return CropBox((width - 1) / 2, (height - 1) / 2, float(min(height, width)), 0.0)


def fill_gaps(values: np.ndarray) -> np.ndarray:
    """Return ``(F, K)`` values with every NaN row replaced by the nearest other row, the earlier one of two.

    At least one row must not be NaN.
    """
    valid = np.flatnonzero(~np.isnan(values[:, 0]))
    frames = np.arange(len(values))
    later = np.searchsorted(valid, frames).clip(max=len(valid) - 1)
    earlier = (later - 1).clip(min=0)
    use_earlier = abs(valid[earlier] - frames) <= abs(valid[later] - frames)
    return values[np.where(use_earlier, valid[earlier], valid[later])]


def smoothing_radius(sigma: float) -> int:
    """Return the number of frames before and after a frame that :func:`smooth_boxes` averages."""
    return round(4 * sigma)


def smooth_boxes(boxes: np.ndarray, *, sigma: float) -> np.ndarray:
    """Return boxes ``(F, K)`` smoothed along time by a Gaussian of ``sigma`` frames."""
    if sigma <= 0:
        return boxes
    return gaussian_filter1d(boxes, sigma, axis=0, mode="nearest", radius=smoothing_radius(sigma))


def crop_face(frame: np.ndarray, box: Sequence[float] | np.ndarray, size: int) -> np.ndarray:
    """Return the crop ``(size, size, 3)`` uint8 of a frame ``(H, W, 3)``, rotated upright.

    Pixels beyond the frame repeat its edge.

    Args:
        box: ``(4,)`` values of a :class:`CropBox`.
    """
    # Bilinear sampling at less than half the resolution aliases: sample at up to twice the size, then average.
    region, (x, y, side, roll) = _region(frame, box, factor=max(1, round(box[2] / (2 * size))))
    sampled = size * min(2, max(1, round(side / size)))
    transform = np.asarray(cv2.getRotationMatrix2D((x, y), roll, sampled / side), np.float64)  # counterclockwise
    transform[:, 2] += (sampled - 1) / 2 - np.array([x, y])
    crop = warp(region, transform, (sampled, sampled))
    return crop if sampled == size else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def warp(image: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an image ``(H, W, 3)`` uint8 transformed by a ``(2, 3)`` matrix; pixels beyond it repeat its edge.

    Args:
        size: width and height of the result.
    """
    four_channels = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)  # OpenCV 5 transforms them twice as fast as three
    warped = cv2.warpAffine(four_channels, transform, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB)


def _region(frame: np.ndarray, box: Sequence[float] | np.ndarray, *, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of a frame that contains a crop box, downscaled by averaging, and the box in it.

    Args:
        factor: pixels of the frame per pixel of the part.
    """
    x, y, side, roll = box
    reach = side / np.sqrt(2) + factor + 1  # of the corners, in any rotation
    first, num = [], []
    for center, length in ((x, frame.shape[1]), (y, frame.shape[0])):
        first.append(int(np.clip(center - reach, 0, length - factor)))
        num.append(max(1, int((min(center + reach, length) - first[-1]) // factor)))
    part = frame[first[1] : first[1] + num[1] * factor, first[0] : first[0] + num[0] * factor]
    if factor > 1:
        part = cv2.resize(part, (num[0], num[1]), interpolation=cv2.INTER_AREA)
    # Pixel centers are integers: the corner of an image is at -0.5.
    x, y = (np.array([x - first[0], y - first[1]]) + 0.5) / factor - 0.5
    return part, np.array([x, y, side / factor, roll])
