"""Folders of images: order, and images that are not frames."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from mdhr.data.video.image_folder import open_image_folder
from mdhr.errors import InputError


def save(folder: Path, *names: str, width: int = 16, height: int = 12) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(folder / name)


def test_images_without_a_number_and_of_another_size_are_skipped_and_listed(tmp_path: Path) -> None:
    save(tmp_path, *(f"frame{i}.png" for i in (1, 2, 10, 9, 3)), "Thumbs.png")
    save(tmp_path, "poster2023.jpg", width=30)
    folder = open_image_folder(tmp_path, fps=10)
    assert folder.names == [f"frame{i}.png" for i in (1, 2, 3, 9, 10)]
    assert folder.times == [0, 0.1, 0.2, 0.3, 0.4]
    assert folder.notes == ["skipped 2 images: Thumbs.png (no number in its name), poster2023.jpg (30 x 12 pixels)"]


def test_many_skipped_images_are_counted(tmp_path: Path) -> None:
    save(tmp_path, *(f"{i}.png" for i in range(6)))
    save(tmp_path, *(f"{i}.jpg" for i in range(10, 15)), width=30)
    (note,) = open_image_folder(tmp_path).notes
    assert note.startswith("skipped 5 images: 10.jpg (30 x 12 pixels), 11.jpg")
    assert note.endswith("12.jpg (30 x 12 pixels) and 2 more")


def test_images_without_numbers_or_a_common_size_are_all_frames(tmp_path: Path) -> None:
    for width, name in enumerate("dcba", start=10):
        save(tmp_path, f"{name}.png", width=width)
    folder = open_image_folder(tmp_path)
    assert folder.names == ["a.png", "b.png", "c.png", "d.png"]
    assert folder.notes == ["images of 4 sizes"]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_the_size_of_the_upright_image_counts(tmp_path: Path, suffix: str) -> None:
    save(tmp_path, "1.jpg", "2.jpg")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(np.zeros((16, 12, 3), np.uint8)).save(tmp_path / f"3.{suffix}", exif=exif)
    folder = open_image_folder(tmp_path)
    assert folder.names == ["1.jpg", "2.jpg", f"3.{suffix}"]
    assert {frame.rgb().shape for frame in folder.frames()} == {(12, 16, 3)}


@pytest.mark.parametrize("kind", ["pipe", "broken link", "empty"])
def test_an_unreadable_frame_is_an_error_and_not_skipped(tmp_path: Path, kind: str) -> None:
    save(tmp_path, "1.png", "2.png")
    if kind == "pipe":
        os.mkfifo(tmp_path / "3.png")
    elif kind == "broken link":
        (tmp_path / "3.png").symlink_to("nothing.png")
    else:
        (tmp_path / "3.png").touch()
    folder = open_image_folder(tmp_path)
    assert len(folder.names) == 3
    with pytest.raises(InputError, match=r"3\.png"):
        [frame.rgb() for frame in folder.frames()]


def test_folders_with_the_suffix_of_an_image_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(InputError, match="contains no image"):
        open_image_folder(tmp_path)


def test_a_replaced_image_is_read_again(tmp_path: Path) -> None:
    save(tmp_path, "1.png", "2.png", "3.png")
    assert open_image_folder(tmp_path).notes == []
    save(tmp_path, "3.png", width=31)
    assert open_image_folder(tmp_path).names == ["1.png", "2.png"]


def test_a_frame_that_exists_in_two_formats_is_read_once(tmp_path: Path) -> None:
    save(tmp_path, "1.png", "1.jpg", "2.png")
    folder = open_image_folder(tmp_path)
    assert folder.names == ["1.jpg", "2.png"]
    assert folder.notes == ["skipped 1 image: 1.png (same name as 1.jpg)"]


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_animated_images_contribute_their_first_frame_and_are_listed(tmp_path: Path, suffix: str) -> None:
    save(tmp_path, "1.png", "2.png")
    first, second = (Image.fromarray(np.full((12, 16, 3), value, np.uint8)) for value in (80, 200))
    first.save(tmp_path / f"3.{suffix}", save_all=True, append_images=[second])
    folder = open_image_folder(tmp_path)
    assert folder.names == ["1.png", "2.png", f"3.{suffix}"]
    assert folder.notes == [f"read only the first frame of the animated 3.{suffix}"]
    assert [frame.rgb().mean() for frame in folder.frames()] == pytest.approx([0, 0, 80], abs=1)
