"""Image files are read completely or raise an error."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from mdhr.data.video.frame_images import read_frame
from mdhr.errors import InputError


def noise(size: int = 48) -> np.ndarray:
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    return cv2.GaussianBlur(image, (0, 0), 3)


def test_jpeg_equals_what_pillow_decodes(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(simplejpeg.encode_jpeg(noise(), quality=95))
    difference = read_frame(str(path), 48).astype(int) - np.array(Image.open(path))
    assert np.abs(difference).max() <= 2


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
    with pytest.raises(InputError, match=r"cannot read frame .*a\.jpg: No such file"):
        read_frame(str(tmp_path / "a.jpg"), 48)
