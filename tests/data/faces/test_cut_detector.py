"""Cuts, compared with other changes between frames."""

from pathlib import Path

import cv2
import numpy as np

from mdhr.data.faces.cut_detector import CUT, CutDetector
from mdhr.data.video.decoding import read_video


def changes(frames: list[np.ndarray]) -> list[float]:
    detector = CutDetector()
    return [detector(frame) for frame in frames]


def scene(seed: int) -> np.ndarray:
    """Return a smooth random image ``(90, 320, 3)``."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 16, 3)).astype(np.uint8)
    return cv2.resize(small, (320, 90), interpolation=cv2.INTER_CUBIC)


def test_a_talking_face_has_no_cut(talking: Path) -> None:
    assert not any(changes([frame for _, frame in read_video(talking)]))


def test_cut_is_at_the_first_frame_of_the_second_scene() -> None:
    found = changes([scene(0)] * 5 + [scene(1)] * 5 + [scene(0)])
    assert [i for i, change in enumerate(found) if change >= CUT] == [5, 10]
    assert np.count_nonzero(found) == 2


def test_moving_camera_and_slow_changes_are_no_cuts() -> None:
    panorama = np.concatenate([scene(seed) for seed in range(4)], axis=1)
    assert max(changes([panorama[:, 25 * i : 25 * i + 200] for i in range(2, 40)])[2:]) == 0
    assert max(changes([np.full((90, 160, 3), 3 * i, np.uint8) for i in range(80)])) == 0
