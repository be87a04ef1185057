"""Blendshape estimator of MediaPipe's face landmarker, an optional extra: strengths of 52 facial movements per image.

The movements have the names of Apple's ARKit, such as ``browInnerUp`` and ``mouthSmileLeft``.
"""

import importlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Protocol

import numpy as np

from mdhr.data.faces.cropping import CropBox, crop_face
from mdhr.data.faces.face_track import FaceTrack
from mdhr.data.faces.mediapipe_landmarker import FaceLandmarker, load_network
from mdhr.data.video.frame_source import FrameSource

VIEW = 1.9
"""Size of the estimator's square image in units of the height from brow to chin. Tight crops change the estimates: on a
real clip, the estimates of this view correlate best with those of the full frame."""
VIEW_PIXELS = 384
"""Width and height of that image. The face has about 200 pixels, close to the 256 of MediaPipe's network."""


class BlendshapeEstimator(Protocol):
    """Interface of blendshape estimators."""

    def __call__(self, image: np.ndarray) -> Mapping[str, float] | None:
        """Return the strengths, 0 to 1, of the face in an image ``(H, W, 3)`` uint8 RGB by name; None without a face."""


class MediaPipeBlendshapes:
    """Blendshape estimator of single images, without tracking between them.

    Raises ``InputError`` if MediaPipe, its model or a system library is missing.
    """

    def __init__(self) -> None:
        landmarker = FaceLandmarker(num_faces=1)
        self._network = load_network(landmarker.model, 1, landmarker.min_confidence, blendshapes=True)
        self._mediapipe = importlib.import_module("mediapipe")
        self._description = str(landmarker).partition(" at ")[0]

    def __call__(self, image: np.ndarray) -> dict[str, float] | None:
        """See :class:`BlendshapeEstimator`."""
        pixels = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        faces = self._network.detect(pixels).face_blendshapes
        return {shape.category_name: shape.score for shape in faces[0]} if faces else None

    def __str__(self) -> str:
        """Return package and version for records: ``mediapipe 0.10.33``."""
        return self._description


def estimate_track(
    source: FrameSource, track: FaceTrack, estimator: BlendshapeEstimator, *, fill: float
) -> Iterator[Mapping[str, float] | None]:
    """Yield the blendshapes of every frame of a track; None if the detector or the estimator found no face.

    The estimator receives an upright image around the face of each frame, so that small faces are found as well.

    Args:
        source: video of the track.
        fill: share of the height of the track's crops from brow to chin.

    Raises ``InputError`` if the source cannot be read.
    """
    frames = islice(source.frames(), track.first, track.end)
    for frame, box, detected in zip(frames, track.crop, track.face_found, strict=True):
        view = CropBox(box[0], box[1], box[2] * fill * VIEW, box[3])
        yield estimator(crop_face(frame.rgb(), view, VIEW_PIXELS)) if detected else None
