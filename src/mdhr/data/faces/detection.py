"""Face detector based on YuNet, and the interface of face detectors.

YuNet is a network of 76,000 weights by Shiqi Yu, run by OpenCV. The model file is part of this package: nothing is
downloaded.
"""

import math
import threading
from functools import cache, partial
from importlib import resources
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from mdhr.config.argument_check import check_arguments
from mdhr.config.ranges import FrameSize, OpenShare

MODEL = "models/face_detection_yunet_2023mar.onnx"
LONGEST_SIDE = 320
"""Default search size in pixels."""
MIN_CONFIDENCE = 0.7
"""Default confidence threshold."""
OVERLAP = 0.3
"""Faces whose boxes have a larger intersection over union are one face."""


class Face(NamedTuple):
    """Output of a detector for one face, in pixels of the image, x to the right and y down."""

    box: np.ndarray
    """``(4,)`` x and y of the upper left corner, width, height. The box extends from the middle of the forehead to the
    chin."""
    landmarks: np.ndarray | None
    """``(5, 2)`` eyes, nose tip, mouth corners, the left one in the image first; None if the detector has none."""
    confidence: float = math.nan
    """0 to 1; NaN if the detector reports none."""


class Detector(Protocol):
    """Interface of face detectors."""

    longest_side: int
    """Longest side in pixels of the images that the detector works on. Larger frames are downscaled."""

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Return the faces in a frame ``(H, W, 3)`` uint8 RGB, largest first."""


class FaceDetector:
    """Face detector based on YuNet. Instances can be pickled and used by several threads.

    Args:
        longest_side: search size, 32 to 4096 pixels. Larger frames are downscaled to it.
        min_confidence: smallest confidence of a face, 0 to 1.

    Raises ``InputError`` if a value is out of range.
    """

    def __init__(self, *, longest_side: FrameSize = LONGEST_SIDE, min_confidence: OpenShare = MIN_CONFIDENCE) -> None:
        arguments = {"longest_side": longest_side, "min_confidence": min_confidence}
        check_arguments(FaceDetector, arguments, where="data.detector")
        self.longest_side = longest_side
        self.min_confidence = min_confidence
        self._networks = threading.local()  # OpenCV's networks are not thread-safe

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Return the faces in a frame ``(H, W, 3)`` uint8 RGB, largest first."""
        scale = min(1.0, self.longest_side / max(frame.shape[:2]))
        if scale < 1:
            frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        height, width = frame.shape[:2]
        network = self._network()
        if network.getInputSize() != (width, height):
            network.setInputSize((width, height))
        rows = network.detect(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1]
        faces = [  # the coordinates of the network begin at the corner of the first pixel
            Face(row[:4] / scale, row[4:14].reshape(5, 2) / scale - 0.5, float(row[14]))
            for row in ([] if rows is None else rows.astype(float))
        ]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])

    def __str__(self) -> str:
        """Return network, resolution and threshold for records: ``YuNet 2023mar at 320 px, confidence 0.7``."""
        return f"YuNet 2023mar at {self.longest_side} px, confidence {self.min_confidence}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Load the network again in every process that unpickles the detector."""
        return partial(FaceDetector, longest_side=self.longest_side, min_confidence=self.min_confidence), ()

    def _network(self) -> Any:
        if not hasattr(self._networks, "network"):
            self._networks.network = _load_network(self.min_confidence)
        return self._networks.network


def _load_network(min_confidence: float) -> Any:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # OpenCV 5 warns that it runs on the CPU
    try:
        no_configuration = np.empty(0, np.uint8)
        return cv2.FaceDetectorYN.create("onnx", _model(), no_configuration, (320, 320), min_confidence, OVERLAP)
    finally:
        cv2.utils.logging.setLogLevel(level)


@cache
def _model() -> np.ndarray:
    return np.frombuffer((resources.files(__package__) / MODEL).read_bytes(), np.uint8)
