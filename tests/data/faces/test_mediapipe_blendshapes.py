"""Blendshape estimator: views of a track with an injected estimator, and the real package where it is installed."""

import sys
from importlib import util
from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr.data.faces.detection import FaceDetector
from mdhr.data.faces.face_track import FaceTrack
from mdhr.data.faces.main_face import track_main_face
from mdhr.data.faces.mediapipe_blendshapes import VIEW, VIEW_PIXELS, MediaPipeBlendshapes, estimate_track
from mdhr.data.video.frame_source import VideoFile, open_source
from mdhr.errors import InputError

HEIGHT = 80
"""Height from brow to chin in the frames below, in pixels."""


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Six gray frames. A square as high as the face has the number of the frame as its gray level."""
    folder = tmp_path / "video"
    folder.mkdir()
    for number in range(6):
        frame = np.full((300, 300, 3), 200, np.uint8)
        frame[100 : 100 + HEIGHT, 140 : 140 + HEIGHT] = 10 * number
        cv2.imwrite(str(folder / f"{number}.png"), frame)
    return folder


@pytest.mark.parametrize("fill", [0.5, 0.8])
def test_views_show_every_detected_frame_of_the_track_at_one_scale(video: Path, fill: float) -> None:
    """The estimates do not depend on how tightly a model crops faces."""
    boxes = np.tile([140 + (HEIGHT - 1) / 2, 100 + (HEIGHT - 1) / 2, HEIGHT / fill, 0.0, 0, 0, 0, 0, 0], (4, 1))
    boxes[2] = np.nan  # not detected
    track = FaceTrack.from_detections(1, np.arange(4) / 25, boxes, sigma=0)
    heights: list[int] = []

    def gray_level(view: np.ndarray) -> dict[str, float]:
        heights.append(int((view[:, VIEW_PIXELS // 2, 0] < 100).sum()))
        return {"level": float(view[VIEW_PIXELS // 2, VIEW_PIXELS // 2, 0])}

    estimates = list(estimate_track(open_source(video), track, gray_level, fill=fill))
    assert estimates == [{"level": 10}, {"level": 20}, None, {"level": 40}]
    assert heights == pytest.approx([VIEW_PIXELS / VIEW] * 3, abs=2)


def test_blendshapes_are_those_of_the_only_face(landmark_model: Path) -> None:
    estimator = MediaPipeBlendshapes()
    (options,) = sys.modules["mediapipe"].loaded
    assert (options.num_faces, options.output_face_blendshapes) == (1, True)
    image = np.zeros((40, 30, 3), np.uint8)
    assert estimator(image) is None
    image[:20, :, 2] = 7
    image[..., 1] = 1
    assert estimator(image[:, ::-1]) == {"jawOpen": 0.5}
    assert str(estimator) == "mediapipe 0.10.33"


def test_missing_library_raises_before_the_first_image(landmark_model: Path) -> None:
    landmark_model.write_text("no library")
    with pytest.raises(InputError, match=r"apt-get install libegl1 libgles2$"):
        MediaPipeBlendshapes()


def test_real_one_gives_a_frame_and_its_mirror_image_the_same_open_jaw(talking: Path) -> None:
    if util.find_spec("mediapipe") is None:
        pytest.skip("the extra mediapipe is not installed")
    estimator = MediaPipeBlendshapes()
    source = VideoFile(talking)
    track = track_main_face(source, detector=FaceDetector(), fill=0.8)
    estimates = list(estimate_track(source, track, estimator, fill=0.8))
    mirrored = list(estimate_track(source, track, lambda image: estimator(image[:, ::-1]), fill=0.8))
    one, other = (np.array([each["jawOpen"] for each in found if each]) for found in (estimates, mirrored))
    assert len(one) == len(other) == 120
    assert all(len(each) == 52 and 0 <= min(each.values()) <= max(each.values()) <= 1 for each in estimates if each)
    assert np.ptp(one) > 0.3, "the person speaks"
    assert np.corrcoef(one, other)[0, 1] > 0.9
    assert estimator(np.zeros((64, 64, 3), np.uint8)) is None
