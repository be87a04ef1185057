"""Video files and image folders yield the same frames, at full size and downscaled."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr.data.video.frame_source import FrameSource, VideoFile, frame_interval, open_source
from mdhr.data.video.image_folder import ImageFolder
from mdhr.errors import InputError
from tests.data.video.test_decoding import write_video


@pytest.fixture(params=["video", "jpg", "png"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> FrameSource:
    """Five frames of 64 x 48 that get brighter by 40, a white quarter in the upper left."""
    if request.param == "video":
        write_video(tmp_path / "a.avi", num_frames=20)
        return VideoFile(tmp_path / "a.avi", positions=range(0, 20, 4))
    for i in range(5):
        image = np.full((48, 64, 3), 40 * i, np.uint8)
        image[:24, :32] = 255
        cv2.imwrite(str(tmp_path / f"{i}.{request.param}"), image)
    return ImageFolder(tmp_path, [f"{i}.{request.param}" for i in range(5)], [i * 0.16 for i in range(5)])


def test_frames_can_be_read_again_and_again(source: FrameSource) -> None:
    for _ in range(2):
        times, frames = zip(*source.frames(), strict=True)
        np.testing.assert_allclose(times, np.arange(5) * 0.16, atol=1e-3)
        assert all(frame.shape == (48, 64, 3) for frame in frames)
        np.testing.assert_allclose([frame[40, 50].mean() for frame in frames], 40 * np.arange(5), atol=8)


@pytest.mark.parametrize("longest_side", [16, 23, 64, 500])
def test_downscaled_frames_are_the_same_frames_at_the_returned_scale(source: FrameSource, longest_side: int) -> None:
    downscaled = list(source.downscaled_frames(longest_side))
    assert len(downscaled) == 5
    for small, (time, frame) in zip(downscaled, source.frames(), strict=True):
        assert small.time == time
        assert max(small.image.shape) == min(longest_side, 64)
        assert small.scale == pytest.approx(64 / max(small.image.shape))
        # At every size, the white quarter ends in the center.
        height, width = small.image.shape[:2]
        assert small.image[height // 4, width // 4].min() > 230
        np.testing.assert_allclose(small.image[-height // 4, -width // 4], frame[40, 50], atol=10)


def test_frame_interval_is_the_median() -> None:
    assert frame_interval(np.array([0, 0.04, 0.08, 5.0, 5.04]), default=1) == pytest.approx(0.04)
    assert frame_interval(np.array([3.0]), default=0.5) == 0.5
    assert frame_interval(np.zeros(4), default=0.5) == 0.5


def test_an_incomplete_video_raises(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", num_frames=5)
    with pytest.raises(InputError, match=r"a\.avi has 5 frames, but frame 8 is required\. .* copy it again"):
        list(VideoFile(tmp_path / "a.avi", positions=[2, 7]).frames())


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("method", ["frames", "downscaled_frames"])
def test_a_damaged_image_is_named(tmp_path: Path, suffix: str, method: str) -> None:
    cv2.imwrite(str(tmp_path / f"7.{suffix}"), np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    whole = (tmp_path / f"7.{suffix}").read_bytes()
    (tmp_path / f"7.{suffix}").write_bytes(whole[: len(whole) // 2])
    folder = ImageFolder(tmp_path, [f"7.{suffix}"], [0.0])
    with pytest.raises(InputError, match=rf"7\.{suffix} is truncated or not an image .*Copy it again"):
        list(folder.frames() if method == "frames" else folder.downscaled_frames(16))
    with pytest.raises(InputError, match=r"cannot read image .*8\.jpg: No such file"):
        list(ImageFolder(tmp_path, ["8.jpg"], [0.0]).frames())


def test_a_path_is_a_video_or_a_folder_of_images_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", num_frames=20)
    assert len(list(open_source(tmp_path / "a.avi", fps=5).frames())) == 4
    folder = tmp_path / "images"
    folder.mkdir()
    for i in (9, 10, 1, 100):
        cv2.imwrite(str(folder / f"frame{i}.PNG"), np.full((4, 4, 3), i, np.uint8))
    (folder / ".frame2.png").write_text("hidden")
    (folder / "notes.txt").write_text("no image")
    times, frames = zip(*open_source(folder, fps=10).frames(), strict=True)
    assert [int(frame[0, 0, 0]) for frame in frames] == [1, 9, 10, 100]
    assert times == (0, 0.1, 0.2, 0.3)
    assert next(iter(open_source(folder).frames()))[0] == 0
    with pytest.raises(InputError, match=r"video .*none does not exist"):
        open_source(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="contains no image"):
        open_source(tmp_path / "empty")
