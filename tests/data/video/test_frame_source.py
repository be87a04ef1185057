"""Video files and image folders yield the same frames, at full size and downscaled."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from mdhr.data.video.frame import median_interval
from mdhr.data.video.frame_source import FrameSource, VideoFile, open_source
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


def read(source: FrameSource) -> list[tuple[float, np.ndarray]]:
    """Times and frames of a source."""
    return [(frame.time, frame.rgb()) for frame in source.frames()]


def test_frames_can_be_read_again_and_again(source: FrameSource) -> None:
    for _ in range(2):
        times, frames = zip(*read(source), strict=True)
        np.testing.assert_allclose(times, np.arange(5) * 0.16, atol=1e-3)
        assert all(frame.shape == (48, 64, 3) for frame in frames)
        np.testing.assert_allclose([frame[40, 50].mean() for frame in frames], 40 * np.arange(5), atol=8)


@pytest.mark.parametrize("longest_side", [16, 23, 64, 500])
def test_downscaled_frames_are_the_same_frames_at_the_returned_scale(source: FrameSource, longest_side: int) -> None:
    frames = list(source.frames())
    assert len(frames) == 5
    for frame in frames:
        small = frame.downscaled(longest_side)
        assert small.time == frame.time
        assert max(small.image.shape) == min(longest_side, 64)
        assert small.scale == pytest.approx(64 / max(small.image.shape))
        # At every size, the white quarter ends in the center.
        height, width = small.image.shape[:2]
        assert small.image[height // 4, width // 4].min() > 230
        np.testing.assert_allclose(small.image[-height // 4, -width // 4], frame.rgb()[40, 50], atol=10)


def test_the_interval_is_the_median() -> None:
    assert median_interval(np.array([0, 0.04, 0.08, 5.0, 5.04]), default=1) == pytest.approx(0.04)
    assert median_interval(np.array([3.0]), default=0.5) == 0.5
    assert median_interval(np.zeros(4), default=0.5) == 0.5


def test_an_incomplete_video_raises(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", num_frames=5)
    with pytest.raises(InputError, match=r"a\.avi has 5 frames, but frame 8 is required\. .* copy it again"):
        list(VideoFile(tmp_path / "a.avi", positions=[2, 7]).frames())


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("downscaled", [False, True])
def test_a_damaged_image_is_named(tmp_path: Path, suffix: str, downscaled: bool) -> None:
    cv2.imwrite(str(tmp_path / f"7.{suffix}"), np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    whole = (tmp_path / f"7.{suffix}").read_bytes()
    (tmp_path / f"7.{suffix}").write_bytes(whole[: len(whole) // 2])
    folder = ImageFolder(tmp_path, [f"7.{suffix}"], [0.0])
    with pytest.raises(InputError, match=rf"7\.{suffix} is truncated or not an image .*Copy it again"):
        [frame.downscaled(16) if downscaled else frame.rgb() for frame in folder.frames()]
    with pytest.raises(InputError, match=r"image .*8\.jpg cannot be read: No such file"):
        read(ImageFolder(tmp_path, ["8.jpg"], [0.0]))


def test_a_path_is_a_video_or_a_folder_of_images_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", num_frames=20)
    assert len(list(open_source(tmp_path / "a.avi", fps=5).frames())) == 4
    folder = tmp_path / "images"
    folder.mkdir()
    for i in (9, 10, 1, 100):
        cv2.imwrite(str(folder / f"frame{i}.PNG"), np.full((4, 4, 3), i, np.uint8))
    (folder / ".frame2.png").write_text("hidden")
    (folder / "notes.txt").write_text("no image")
    times, frames = zip(*read(open_source(folder, fps=10)), strict=True)
    assert [int(frame[0, 0, 0]) for frame in frames] == [1, 9, 10, 100]
    assert times == (0, 0.1, 0.2, 0.3)
    assert next(iter(open_source(folder).frames())).time == 0
    with pytest.raises(InputError, match=r"video .*none does not exist"):
        open_source(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="contains no image"):
        open_source(tmp_path / "empty")


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_an_image_file_is_the_same_frame_as_in_a_folder(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3))
    image.save(tmp_path / "1.jpg", exif=exif, quality=95)
    ((time, alone),) = read(open_source(tmp_path / "1.jpg"))
    ((_, in_folder),) = read(open_source(tmp_path))
    assert time == 0
    assert alone.shape == ((64, 48, 3) if orientation == 6 else (48, 64, 3))
    np.testing.assert_array_equal(alone, in_folder)


@pytest.mark.parametrize("suffix", ["gif", "png", "apng", "webp", "avif"])
def test_an_animated_image_is_a_video_with_its_durations(tmp_path: Path, suffix: str) -> None:
    pages = [Image.fromarray(np.full((48, 64, 3), 60 * i, np.uint8)) for i in range(4)]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {"quality": 100} if suffix == "avif" else {}
    file_format = "PNG" if suffix == "apng" else None
    pages[0].save(path, file_format, save_all=True, append_images=pages[1:], duration=[100, 300, 200, 40], **options)
    times, frames = zip(*read(open_source(path)), strict=True)
    assert times == pytest.approx([0, 0.1, 0.4, 0.6])
    assert [frame.mean() for frame in frames] == pytest.approx([0, 60, 120, 180], abs=1)
    times, _ = zip(*read(open_source(path, fps=4)), strict=True)
    assert np.diff(times).min() >= 0.25 - 0.1
    assert len(times) == 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_every_page_of_a_tiff_is_a_frame(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((48, 64), 10000 * i, np.uint16)) for i in range(4)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    times, frames = zip(*read(open_source(tmp_path / "a.tif", fps=10)), strict=True)
    assert times == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 39, 78, 117]
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"a\.tif"):
        read(open_source(tmp_path / "a.tif"))


def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"a\.mp4 is not a regular file"):
        open_source(tmp_path / "a.mp4")


def test_a_git_lfs_pointer_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(InputError, match=r"a\.mp4 is a Git LFS pointer.*git lfs pull"):
        open_source(tmp_path / "a.mp4")


def test_heic_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(InputError, match=r"a\.HEIC is in HEIC format.* Convert it to JPEG or PNG"):
        open_source(tmp_path / "a.HEIC")
