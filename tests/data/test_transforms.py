"""Our one-pass augmentation against torchvision's, step by step."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from mdhr.data.transforms import Augmentation, augment, draw_augmentation, normalise, resize


def picture(seed: int = 0, size: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize("seed", range(8))
def test_equals_torchvision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draw = draw_augmentation(rng, size=40, crop_size=32, jitter=(0.6, 1.4))
    image = torch.from_numpy(picture(seed)).permute(2, 0, 1)
    expected = functional.crop(image, draw.top, draw.left, 32, 32)
    expected = functional.horizontal_flip(expected) if draw.flip else expected
    expected = functional.adjust_brightness(expected, draw.brightness)
    expected = functional.adjust_contrast(expected, draw.contrast)
    expected = functional.adjust_saturation(expected, draw.saturation)
    difference = augment(picture(seed), draw, 32).astype(int) - expected.permute(1, 2, 0).numpy().astype(int)
    assert np.abs(difference).max() <= 4  # torchvision cuts fractions off after every step, we round


def test_neutral_draw_is_a_crop() -> None:
    image = picture()
    np.testing.assert_array_equal(augment(image, Augmentation(3, 5, False, 1, 1, 1), 20), image[3:23, 5:25])


def test_draws_cover_the_ranges() -> None:
    rng = np.random.default_rng(0)
    draws = np.array([draw_augmentation(rng, size=40, crop_size=38, jitter=(0.6, 1.4)) for _ in range(2000)], float)
    assert draws[:, :2].min() == 0
    assert draws[:, :2].max() == 2
    assert 0.45 < draws[:, 2].mean() < 0.55
    np.testing.assert_allclose(draws[:, 3:].min(0), 0.6, atol=0.01)
    np.testing.assert_allclose(draws[:, 3:].max(0), 1.4, atol=0.01)


def test_whole_frame_can_be_the_crop() -> None:
    draw = draw_augmentation(np.random.default_rng(0), size=40, crop_size=40, jitter=(1, 1))
    assert (draw.top, draw.left) == (0, 0)


def test_resize_of_the_right_size_is_free() -> None:
    frames = torch.from_numpy(picture()).permute(2, 0, 1)[None]
    assert resize(frames, 40) is frames
    assert resize(frames, 28).shape == (1, 3, 28, 28)
    assert resize(frames, 28).dtype == torch.uint8


def test_normalised_imagenet_statistics() -> None:
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 1, 1)
    values = normalise(black_and_white)[..., 0, 0]
    torch.testing.assert_close(values[0], torch.tensor([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225]))
    torch.testing.assert_close(values[1], torch.tensor([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]))
