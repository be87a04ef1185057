"""Image files are read completely or raise an error."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import ExifTags, Image, ImageOps

from mdhr.data.video.frame_images import frame_buffer, read_frame, read_image, read_reduced_image
from mdhr.errors import InputError


def noise(size: int = 48) -> np.ndarray:
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    return cv2.GaussianBlur(image, (0, 0), 3)


def test_jpeg_equals_what_pillow_decodes(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(simplejpeg.encode_jpeg(noise(), quality=95))
    difference = read_frame(str(path), 48).astype(int) - np.array(Image.open(path))
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("size", [47, 48])
def test_a_buffer_does_not_change_frames(tmp_path: Path, size: int) -> None:
    buffer = frame_buffer(size)
    assert buffer.nbytes == size * size * 3
    assert buffer.ctypes.data % 32 == 16
    for file_size in (size, 60, 30):  # larger and smaller ones are resized
        path = tmp_path / f"{file_size}.jpg"
        path.write_bytes(simplejpeg.encode_jpeg(noise(file_size), quality=95))
        frame = read_frame(str(path), size, buffer=buffer)
        np.testing.assert_array_equal(frame, read_frame(str(path), size))
        assert np.shares_memory(frame, buffer) == (file_size == size)


def test_png_and_gray_images_are_rgb(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_frame(str(tmp_path / "a.png"), 48), noise())
    Image.fromarray(noise()[..., 0]).save(tmp_path / "b.jpg")
    gray = read_frame(str(tmp_path / "b.jpg"), 48)
    assert gray.shape == (48, 48, 3)
    np.testing.assert_array_equal(gray[..., 0], gray[..., 2])


def test_other_sizes_are_resized(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), np.full((30, 50, 3), 77, np.uint8))
    frame = read_frame(str(tmp_path / "a.jpg"), 48)
    assert frame.shape == (48, 48, 3)
    assert (frame == 77).all()


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("kept", [0, 1, 30, 0.5, 0.9, 0.97])
def test_truncated_files_are_named(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise()).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(InputError, match=rf"a\.{suffix} is truncated or not an image"):
        read_frame(str(path), 48)


def test_absent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"frame .*a\.jpg cannot be read: No such file"):
        read_frame(str(tmp_path / "a.jpg"), 48)


def with_orientation(path: Path, image: np.ndarray, orientation: int, **options: object) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(image).save(path, exif=exif, **options)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright_as_pillow_transposes_them(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a.{suffix}"
    with_orientation(path, noise()[:32], orientation, quality=95)
    expected = np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB")).astype(int)
    assert expected.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
    assert np.abs(read_image(path) - expected).max() <= 2
    reduced, side = read_reduced_image(path, 24)
    assert side == 48
    assert reduced.shape[0] < reduced.shape[1] if orientation < 5 else reduced.shape[0] > reduced.shape[1]


def test_a_damaged_exif_header_does_not_hide_the_image(tmp_path: Path) -> None:
    with_orientation(tmp_path / "a.jpg", noise(), 6)
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(
        content.replace(b"Exif\0\0MM", b"Exif\0\0??").replace(b"Exif\0\0II", b"Exif\0\0??")
    )
    assert read_image(tmp_path / "a.jpg").shape == (48, 48, 3)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_images_are_scaled_as_opencv_does(tmp_path: Path, suffix: str) -> None:
    gray = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"gray.{suffix}"), gray)
    frame = read_image(tmp_path / f"gray.{suffix}")
    np.testing.assert_array_equal(frame, cv2.imread(str(tmp_path / f"gray.{suffix}")))
    assert (frame.min(), frame.max()) == (0, 255)
    cv2.imwrite(str(tmp_path / f"color.{suffix}"), np.stack([gray, gray[::-1], gray], -1))
    np.testing.assert_array_equal(read_image(tmp_path / f"color.{suffix}")[..., 1], gray[::-1] >> 8)


def test_wide_gray_values_are_scaled_or_refused(tmp_path: Path) -> None:
    gray = np.linspace(0, 1, 48 * 64, dtype=np.float32).reshape(48, 64)
    Image.fromarray(gray).save(tmp_path / "float.tif")
    np.testing.assert_allclose(read_image(tmp_path / "float.tif")[..., 0], gray * 255, atol=0.5)
    Image.fromarray((gray * 65535).astype(np.int32)).save(tmp_path / "int.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "int.tif")[..., 2], (gray * 65535).astype(int) // 256)
    Image.fromarray(gray * 255).save(tmp_path / "wide.tif")
    with pytest.raises(InputError, match=r"wide\.tif .*gray values from 0 to 255, expected 0 to 1: convert to 8 bits"):
        read_image(tmp_path / "wide.tif")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_color_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    color = np.full((8, 8, 3), 255, np.uint8) if mode == "1" else np.full((8, 8, 3), 102, np.uint8)
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.fromarray(color).convert(mode).save(path)
    np.testing.assert_allclose(read_image(path), color, atol=2)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bomb.{suffix}"
    Image.fromarray(noise()).save(path)
    content = bytearray(path.read_bytes())
    if suffix == "png":
        content[16:24] = struct.pack(">II", 60000, 60000)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    else:
        start = content.index(b"\xff\xc0") + 5
        content[start : start + 4] = struct.pack(">HH", 60000, 60000)
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"bomb\.{suffix} .*limit of 178"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer: run `git lfs pull`"),
        (b"<html></html>", "unknown format"),
    ],
)
def test_files_that_are_no_images_are_explained(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.png is truncated or not an image \(.*{reason}"):
        read_image(tmp_path / "a.png")


def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"image .*a\.png cannot be read: it is not a regular file"):
        read_image(tmp_path / "a.png")
