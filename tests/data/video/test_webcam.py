"""Recording from a simulated camera, with the time stamps of its frames."""

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
    """Camera with a limited number of blue frames of odd size, in BGR order."""

    num_frames = 1000

    def __init__(self, number: int) -> None:
        self.number, self.remaining = number, self.num_frames

    def isOpened(self) -> bool:
        return self.number == 1

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.remaining -= 1
        return self.remaining >= 0, np.full((49, 65, 3), (250, 10, 10), np.uint8)

    def release(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call advances the clock by 1/20 s."""

    def ticks() -> Iterator[float]:
        for tick in range(10_000):
            yield tick / 20

    times = ticks()
    monkeypatch.setattr(webcam.time, "monotonic", lambda: next(times))
    monkeypatch.setattr(cv2, "VideoCapture", Camera)


@pytest.mark.usefixtures("clock")
def test_recording_has_the_requested_duration(tmp_path: Path) -> None:
    path = record_webcam(1, tmp_path, seconds=0.5)
    assert path.name.startswith("camera1_")
    times, frames = zip(*read_video(path), strict=True)
    np.testing.assert_allclose(times, np.arange(9) / 20, atol=1e-3)
    assert frames[0].shape == (48, 64, 3)
    assert frames[4][..., 2].mean() > 200 > 80 > frames[4][..., 0].mean(), "blue in RGB order"


@pytest.mark.usefixtures("clock")
def test_absent_and_failing_cameras_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="camera 0 does not exist"):
        record_webcam(0, tmp_path, seconds=1)
    monkeypatch.setattr(Camera, "num_frames", 3)
    with pytest.raises(InputError, match="camera 1 returned no frame after"):
        record_webcam(1, tmp_path, seconds=1)
    assert list(tmp_path.iterdir()) == []
