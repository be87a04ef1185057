"""YuNet face detector: model file, landmarks, thresholds, threads and processes."""

import fnmatch
import pickle
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr.data.faces import detection
from mdhr.data.faces.detection import Face, FaceDetector
from mdhr.data.video.decoding import read_video
from mdhr.errors import InputError
from mdhr.files.checksums import file_checksum
from tests.support.paths import ROOT

CHECKSUM = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
"""SHA-256 of the file in OpenCV Zoo."""


@pytest.fixture(scope="module")
def frames(talking: Path) -> list[np.ndarray]:
    return [frame for _, frame in read_video(talking)]


def values(faces: list[Face]) -> list[np.ndarray]:
    return [np.concatenate([face.box, np.ravel(face.landmarks), [face.confidence]]) for face in faces]


def test_model_file_and_its_license_are_package_data() -> None:
    package = ROOT / "src/mdhr"
    model = package / "data/faces" / detection.MODEL
    assert file_checksum(model) == CHECKSUM
    assert "Shiqi Yu" in (model.parent / "LICENSE.yunet").read_text()
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["mdhr"]
    for file in model.parent.iterdir():
        assert any(fnmatch.fnmatch(file.relative_to(package).as_posix(), pattern) for pattern in patterns)


def test_landmarks_are_eyes_nose_and_mouth_corners_left_in_the_image_first(frames: list[np.ndarray]) -> None:
    (face,) = FaceDetector()(frames[0])
    assert face.landmarks is not None
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert face.box[1] < left_eye[1] < nose[1] < left_mouth[1] < face.box[1] + face.box[3]
    assert 0.8 < face.confidence < 1


def test_image_channels_are_red_green_blue(frames: list[np.ndarray]) -> None:
    (face,) = FaceDetector()(frames[0])
    network = cv2.FaceDetectorYN.create(
        str(Path(detection.__file__).parent / detection.MODEL), "", frames[0].shape[1::-1]
    )
    (row,) = network.detect(np.ascontiguousarray(frames[0][..., ::-1]))[1]
    row[4:14] -= 0.5  # from the corner to the center of a pixel
    np.testing.assert_allclose(np.concatenate(values([face])), row, rtol=1e-6)


def test_large_frames_are_downscaled_and_coordinates_are_those_of_the_frame(frames: list[np.ndarray]) -> None:
    (small,) = FaceDetector(longest_side=frames[0].shape[1])(frames[0])
    (large,) = FaceDetector(longest_side=frames[0].shape[1])(np.repeat(np.repeat(frames[0], 2, axis=0), 2, axis=1))
    np.testing.assert_allclose(large.box, 2 * small.box, atol=0.1)
    np.testing.assert_allclose(large.landmarks, 2 * small.landmarks + 0.5, atol=0.1)


def test_larger_search_size_finds_smaller_faces(frames: list[np.ndarray]) -> None:
    frame = np.full((1440, 1760, 3), 90, np.uint8)
    frame[700:790, 900:1010] = cv2.resize(frames[0], (110, 90), interpolation=cv2.INTER_AREA)
    assert FaceDetector()(frame) == []
    (face,) = FaceDetector(longest_side=1760)(frame)
    assert 20 < face.box[2] < 50


def test_faces_are_sorted_by_size(frames: list[np.ndarray]) -> None:
    small = cv2.resize(frames[0], (132, 108), interpolation=cv2.INTER_AREA)
    frame = np.full((144, 132 + frames[0].shape[1], 3), 90, np.uint8)
    frame[:108, :132], frame[:, 132:] = small, frames[0]
    large, other = FaceDetector()(frame)
    assert other.box[0] < 132 < large.box[0]
    assert other.box[2] < large.box[2]


def test_faces_below_the_confidence_threshold_are_discarded(frames: list[np.ndarray]) -> None:
    (face,) = FaceDetector()(frames[0])
    assert len(FaceDetector(min_confidence=face.confidence - 0.01)(frames[0])) == 1
    assert FaceDetector(min_confidence=face.confidence + 0.01)(frames[0]) == []


@pytest.mark.parametrize("shape", [(144, 176), (1, 1), (3, 500), (500, 3)])
def test_frame_without_a_face_has_none(shape: tuple[int, int]) -> None:
    assert FaceDetector()(np.zeros((*shape, 3), np.uint8)) == []


def test_result_is_the_same_in_threads_copies_and_for_any_number_of_opencv_threads(frames: list[np.ndarray]) -> None:
    detector = FaceDetector()
    tall = [np.ascontiguousarray(np.rot90(frame)) for frame in frames[:6]]
    mixed = [each for pair in zip(frames[:6], tall, strict=True) for each in pair]
    expected = [values(detector(frame)) for frame in mixed]
    copy = pickle.loads(pickle.dumps(detector))
    assert str(copy) == str(detector) == "YuNet 2023mar at 320 px, confidence 0.7"
    with ThreadPoolExecutor(4) as pool:
        threads = list(pool.map(lambda frame: values(detector(frame)), mixed))
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        single = [values(copy(frame)) for frame in mixed]
    finally:
        cv2.setNumThreads(before)
    for result in (threads, single):
        for faces, others in zip(result, expected, strict=True):
            np.testing.assert_array_equal(faces, others)


def test_loading_the_network_prints_nothing_and_keeps_the_log_level(capfd: pytest.CaptureFixture[str]) -> None:
    level = cv2.utils.logging.getLogLevel()
    FaceDetector()(np.zeros((40, 40, 3), np.uint8))
    assert capfd.readouterr() == ("", "")
    assert cv2.utils.logging.getLogLevel() == level


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"longest_side": 0}, "longest_side=0: should be greater than or equal to 32"),
        ({"min_confidence": 1.5}, "min_confidence=1.5: should be less than 1"),
        ({"min_confidence": float("nan")}, "min_confidence=nan: should be a finite number"),
    ],
)
def test_settings_out_of_range_raise(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FaceDetector(**settings)  # type: ignore[arg-type]
