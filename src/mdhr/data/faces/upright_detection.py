"""Face detection in frames of a video, with compensation of the head's roll."""

from typing import NamedTuple

import cv2
import numpy as np

from mdhr.data.faces.appearance import face_histogram
from mdhr.data.faces.cropping import CropBox, crop_box, warp
from mdhr.data.faces.detection import Detector
from mdhr.data.video.frame import DownscaledFrame

MAX_RESIDUAL = 40.0
"""Largest accepted roll in the rotated image in degrees. Larger values are detector errors."""


class FaceDetection(NamedTuple):
    """Face in one frame of a video, in pixels of the full-size frame."""

    crop: CropBox
    """Crop box around the face."""
    box: tuple[float, float, float, float]
    """Axis-aligned face box, forehead to chin: x and y of the upper left corner, width, height."""
    confidence: float
    """Detector confidence, 0 to 1; NaN if the detector reports none."""
    appearance: np.ndarray
    """Color histogram, see :func:`~mdhr.data.faces.appearance.face_histogram`."""

    @property
    def values(self) -> tuple[float, ...]:
        """``NUM_VALUES`` numbers: crop box (4), face box (4), confidence."""
        return (*self.crop, *self.box, self.confidence)


NUM_VALUES = 9


def detect_faces(
    detector: Detector, frame: DownscaledFrame, *, roll: float, fill: float, face: CropBox | None = None
) -> list[FaceDetection]:
    """Return the faces of a frame, largest first.

    Detectors underestimate the roll of tilted faces and miss faces that lie. Therefore the frame is rotated by ``roll``
    degrees, the most recent tilt of a face, before detection.

    Args:
        roll: clockwise tilt to compensate, in degrees.
        fill: see :func:`~mdhr.data.faces.cropping.crop_box`.
        face: crop box that the rotation keeps in view.
    """
    transform, size = upright_transform(frame, roll=roll, face=face)
    image = warp(frame.image, transform, size) if roll else frame.image

    def to_source(x: float, y: float) -> tuple[float, float]:
        """Map a point of the rotated, downscaled image to the full-size frame."""
        x, y = (np.linalg.solve(transform[:, :2], np.array([x, y]) - transform[:, 2]) + 0.5) * frame.scale - 0.5
        return float(x), float(y)

    detections = []
    for found in detector(image):
        crop = crop_box(found, fill=fill)
        face_roll = roll + float(np.clip(crop.roll, -MAX_RESIDUAL, MAX_RESIDUAL))
        width, height = (float(side) for side in found.box[2:] * frame.scale)
        if round(roll / 90) % 2:
            width, height = height, width
        x, y = to_source(*(found.box[:2] + found.box[2:] / 2))
        box = (x - width / 2, y - height / 2, width, height)
        detections.append(
            FaceDetection(
                CropBox(*to_source(crop.x, crop.y), float(crop.size * frame.scale), face_roll),
                box,
                float(found.confidence),
                face_histogram(frame.image, np.array(box) / frame.scale),
            )
        )
    return detections


def upright_transform(
    frame: DownscaledFrame, *, roll: float, face: CropBox | None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the ``(2, 3)`` transform that turns faces of a roll upright, and width and height of the turned image.

    Rotations by more than 45 degrees exchange width and height. The image is shifted if ``face`` would leave it.
    """
    height, width = frame.image.shape[:2]
    size = (height, width) if round(roll / 90) % 2 else (width, height)
    transform = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), roll, 1.0), np.float64)
    transform[:, 2] += (np.array(size) - (width, height)) / 2
    if face is not None:
        turned = turned_center(frame, transform, face)
        margin = np.minimum(face.size / frame.scale / 2, np.array(size) / 2)
        transform[:, 2] += turned.clip(margin, size - margin) - turned
    return transform, size


def turned_center(frame: DownscaledFrame, transform: np.ndarray, face: CropBox) -> np.ndarray:
    """Return the center ``(2,)`` of a face of the full-size frame in the turned, downscaled image."""
    return transform[:, :2] @ ((np.array(face[:2]) + 0.5) / frame.scale - 0.5) + transform[:, 2]
