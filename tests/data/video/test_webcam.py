"""A camera that stands in: what it shows is recorded with the times at which it did."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr.data.video import webcam
from mdhr.data.video.decoding import read_video
from mdhr.data.video.webcam import record_webcam
from mdhr.errors import InputError


class Camera:
    """Gives so many pictures of an odd size, blue in OpenCV's order of colors."""

    pictures = 1000

    def __init__(self, number: int) -> None:
        self.number, self.left = number, self.pictures

    def isOpened(self) -> bool:
        return self.number == 1

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        return self.left >= 0, np.full((49, 65, 3), (250, 10, 10), np.uint8)

    def release(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at it is a 20th of a second later."""

    def ticks() -> Iterator[float]:
        for tick in range(10_000):
            yield tick / 20

    times = ticks()
    monkeypatch.setattr(webcam.time, "monotonic", lambda: next(times))
    monkeypatch.setattr(cv2, "VideoCapture", Camera)


@pytest.mark.usefixtures("clock")
def test_so_many_seconds_are_recorded(tmp_path: Path) -> None:
    path = record_webcam(1, tmp_path, seconds=0.5)
    assert path.name.startswith("camera1_")
    times, frames = zip(*read_video(path), strict=True)
    np.testing.assert_allclose(times, np.arange(9) / 20, atol=1e-3)
    assert frames[0].shape == (48, 64, 3)
    assert frames[4][..., 2].mean() > 200 > 80 > frames[4][..., 0].mean(), "blue in ours, too"


@pytest.mark.usefixtures("clock")
def test_no_camera_and_one_that_stops_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="there is no camera 0 here: plug one in"):
        record_webcam(0, tmp_path, seconds=1)
    monkeypatch.setattr(Camera, "pictures", 3)
    with pytest.raises(InputError, match="camera 1 gave no picture after"):
        record_webcam(1, tmp_path, seconds=1)
    assert list(tmp_path.iterdir()) == []
