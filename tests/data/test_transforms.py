"""The one-pass augmentation equals separate steps of torchvision and OpenCV."""

import cv2
import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from mdhr.data.transforms import GRAY, Augmentation, augment, normalize, resize, sample_augmentation


def noise(seed: int = 0, size: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize("seed", range(8))
def test_equals_torchvision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    augmentation = sample_augmentation(rng, size=40, crop_size=32, jitter=(0.6, 1.4))
    image = torch.from_numpy(noise(seed)).permute(2, 0, 1)
    expected = functional.crop(image, augmentation.top, augmentation.left, 32, 32)
    expected = functional.horizontal_flip(expected) if augmentation.flip else expected
    expected = functional.adjust_brightness(expected, augmentation.brightness)
    expected = functional.adjust_contrast(expected, augmentation.contrast)
    expected = functional.adjust_saturation(expected, augmentation.saturation)
    difference = augment(noise(seed), augmentation, 32).astype(int) - expected.permute(1, 2, 0).numpy().astype(int)
    assert np.abs(difference).max() <= 4  # torchvision truncates fractions after every step, augment rounds once


def step_by_step(frame: np.ndarray, augmentation: Augmentation, crop_size: int) -> np.ndarray:
    """Apply the steps separately; every step rounds and saturates at 0 and 255."""
    frame = frame[augmentation.top : augmentation.top + crop_size, augmentation.left : augmentation.left + crop_size]
    frame = cv2.flip(frame, 1) if augmentation.flip else frame
    frame = cv2.convertScaleAbs(frame, alpha=augmentation.brightness)
    mean = float(cv2.mean(frame)[:3] @ np.array(GRAY))
    frame = cv2.addWeighted(frame, augmentation.contrast, frame, 0, mean * (1 - augmentation.contrast))
    return cv2.transform(frame, augmentation.saturation * np.eye(3) + (1 - augmentation.saturation) * np.array(GRAY))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("smooth", [False, True], ids=["noise", "blobs"])
def test_one_pass_is_within_two_gray_levels_of_three_steps(smooth: bool, flip: bool) -> None:
    rng = np.random.default_rng(1)
    factors = [*np.stack(np.meshgrid(*[[0.6, 1, 1.4]] * 3), -1).reshape(-1, 3), *rng.uniform(0.6, 1.4, (60, 3))]
    for seed, (brightness, contrast, saturation) in enumerate(factors):
        # Enlarged noise has uniform areas, many of them black, white or saturated, with gradients between them.
        frame = cv2.resize(noise(seed, 6), (40, 40), interpolation=cv2.INTER_CUBIC) if smooth else noise(seed)
        augmentation = Augmentation(3, 5, flip, float(brightness), float(contrast), float(saturation))
        difference = augment(frame, augmentation, 32).astype(int) - step_by_step(frame, augmentation, 32)
        assert np.abs(difference).max() <= 2, augmentation
        assert np.abs(difference).mean() < 0.6, augmentation


@pytest.mark.parametrize("gray", [0, 128, 255])
@pytest.mark.parametrize("brightness", [0.0, 0.5, 1.3, 4.0])
@pytest.mark.parametrize("contrast", [0.0, 0.5, 1.7, 4.0])
def test_brightness_saturates_before_contrast(gray: int, brightness: float, contrast: float) -> None:
    """Contrast keeps the mean, so that the result is the gray value after the change of brightness."""
    frame = np.full((40, 40, 3), gray, np.uint8)
    found = augment(frame, Augmentation(0, 0, False, brightness, contrast, 1.4), 32).astype(int)
    assert np.abs(found - min(255, round(gray * brightness))).max() <= 2


def test_out_is_filled_and_the_frame_is_unchanged() -> None:
    frame, filled = noise(), np.zeros((2, 32, 32, 3), np.uint8)
    frame.setflags(write=False)
    for flip, out in zip((False, True), filled, strict=True):
        augmentation = Augmentation(3, 5, flip, 1.2, 1.3, 0.7)
        np.testing.assert_array_equal(out, np.zeros_like(out))
        augment(frame, augmentation, 32, out=out)
        np.testing.assert_array_equal(out, augment(frame, augmentation, 32))
    np.testing.assert_array_equal(frame, noise())


def test_neutral_factors_only_crop() -> None:
    image = noise()
    np.testing.assert_array_equal(augment(image, Augmentation(3, 5, False, 1, 1, 1), 20), image[3:23, 5:25])


def test_samples_cover_the_ranges() -> None:
    rng = np.random.default_rng(0)
    samples = np.array([sample_augmentation(rng, size=40, crop_size=38, jitter=(0.6, 1.4)) for _ in range(2000)], float)
    assert samples[:, :2].min() == 0
    assert samples[:, :2].max() == 2
    assert 0.45 < samples[:, 2].mean() < 0.55
    np.testing.assert_allclose(samples[:, 3:].min(0), 0.6, atol=0.01)
    np.testing.assert_allclose(samples[:, 3:].max(0), 1.4, atol=0.01)


def test_crop_of_the_frame_size() -> None:
    augmentation = sample_augmentation(np.random.default_rng(0), size=40, crop_size=40, jitter=(1, 1))
    assert (augmentation.top, augmentation.left) == (0, 0)


def test_resize_to_the_same_size_returns_the_input() -> None:
    frames = torch.from_numpy(noise()).permute(2, 0, 1)[None]
    assert resize(frames, 40) is frames
    assert resize(frames, 28).shape == (1, 3, 28, 28)
    assert resize(frames, 28).dtype == torch.uint8


def test_normalized_imagenet_statistics() -> None:
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 1, 1)
    values = normalize(black_and_white)[..., 0, 0]
    torch.testing.assert_close(values[0], torch.tensor([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225]))
    torch.testing.assert_close(values[1], torch.tensor([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]))
