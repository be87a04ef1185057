"""Face detection in frames of a video, with compensation of the head's roll."""

from typing import NamedTuple

import cv2
import numpy as np

from mdhr.data.faces.cropping import CropBox, crop_box
from mdhr.data.faces.detection import Detector
from mdhr.data.video.frame import DownscaledFrame

MAX_ROLL = 40.0
"""Largest accepted roll in degrees. Larger values are detector errors."""


class FaceDetection(NamedTuple):
    """Face in one frame of a video, in pixels of the full-size frame."""

    crop: CropBox
    """Crop box around the face."""
    box: tuple[float, float, float, float]
    """Axis-aligned face box, forehead to chin: x and y of the upper left corner, width, height."""
    confidence: float
    """Detector confidence, 0 to 1; NaN if the detector reports none."""

    @property
    def values(self) -> tuple[float, ...]:
        """``NUM_VALUES`` numbers: crop box (4), face box (4), confidence."""
        return (*self.crop, *self.box, self.confidence)


NUM_VALUES = 9


def detect_faces(detector: Detector, frame: DownscaledFrame, *, roll: float, fill: float) -> list[FaceDetection]:
    """Return the faces of a frame, largest first.

    The detector underestimates the roll of tilted faces by about half. Therefore the frame is rotated by ``roll``
    degrees, the most recent tilt of a face, before detection.

    Args:
        roll: clockwise tilt to compensate, in degrees.
        fill: see :func:`~mdhr.data.faces.cropping.crop_box`.
    """
    image = frame.image
    center = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    rotation = cv2.getRotationMatrix2D(center, roll, 1.0)
    if roll:
        image = cv2.warpAffine(image, rotation, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)

    def to_source(x: float, y: float) -> tuple[float, float]:
        """Map a point of the rotated, downscaled image to the full-size frame."""
        x, y = (np.linalg.solve(rotation[:, :2], np.array([x, y]) - rotation[:, 2]) + 0.5) * frame.scale - 0.5
        return float(x), float(y)

    detections = []
    for face in detector(image):
        crop = crop_box(face, fill=fill)
        face_roll = float(np.clip(roll + crop.roll, -MAX_ROLL, MAX_ROLL))
        width, height = (float(side) for side in face.box[2:] * frame.scale)
        x, y = to_source(*(face.box[:2] + face.box[2:] / 2))
        detections.append(
            FaceDetection(
                CropBox(*to_source(crop.x, crop.y), float(crop.size * frame.scale), face_roll),
                (x - width / 2, y - height / 2, width, height),
                float(face.confidence),
            )
        )
    return detections
