"""Crops and colors equal those of torchvision and NumPy."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from mdhr.data import transforms
from mdhr.data.transforms import Augmentation, crop, jitter_and_normalize, normalize, resize, sample_augmentation

ATOL = 1e-4
"""Less than 0.01 gray levels: the rounding of float32 with factors of up to 3 * 3 * 3."""


def noise(seed: int = 0, size: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


def clips(num_clips: int, num_frames: int, height: int, width: int, *, smooth: bool = False) -> Tensor:
    """Random clips ``B T 3 H W`` uint8 in channels-last memory order."""
    shape = (num_clips * num_frames, 6, 6, 3) if smooth else (num_clips * num_frames, height, width, 3)
    frames = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    if smooth:  # uniform areas, many of them black, white or saturated, with gradients between them
        frames = np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC) for frame in frames])
    return torch.from_numpy(frames).unflatten(0, (num_clips, num_frames)).movedim(-1, -3)


def step_by_step(frames: Tensor, color: Tensor) -> Tensor:
    """Change the colors of clips with torchvision, in float32 and without rounding, then normalize."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    changed = []
    for clip, (brightness, contrast, saturation) in zip(frames / 255, color.tolist(), strict=True):
        clip = functional.adjust_brightness(clip, brightness)
        clip = functional.adjust_contrast(clip, contrast)
        changed.append(functional.adjust_saturation(clip, saturation))
    return functional.normalize(torch.stack(changed), mean.tolist(), std.tolist())


@pytest.mark.parametrize("smooth", [False, True], ids=["noise", "blobs"])
def test_colors_equal_torchvision(smooth: bool) -> None:
    extremes = np.stack(np.meshgrid(*[[0.6, 1, 1.4]] * 3), -1).reshape(-1, 3)
    factors = np.concatenate([extremes, np.random.default_rng(1).uniform(0, 3, (60, 3))])
    color = torch.from_numpy(factors).float()
    frames = clips(len(color), 2, 32, 32, smooth=smooth)
    torch.testing.assert_close(jitter_and_normalize(frames, color), step_by_step(frames, color), rtol=0, atol=ATOL)


@pytest.mark.parametrize("size", [(5, 7), (6, 5), (8, 8)], ids=str)
@pytest.mark.parametrize("num_cached_values", [1, 500, 10**6])
def test_colors_of_other_sizes_and_numbers_of_parallel_frames(
    size: tuple[int, int], num_cached_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transforms, "_NUM_CACHED_VALUES", num_cached_values)
    frames, color = clips(3, 5, *size), torch.tensor([[1.4, 0.6, 1.2], [0.7, 1.4, 1.4], [1.0, 1.3, 0.6]])
    found = jitter_and_normalize(frames, color)
    torch.testing.assert_close(found, step_by_step(frames, color), rtol=0, atol=ATOL)
    torch.testing.assert_close(jitter_and_normalize(frames.contiguous(), color), found)
    assert found.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("gray", [0, 128, 255])
@pytest.mark.parametrize("brightness", [0.0, 0.5, 1.3, 4.0])
@pytest.mark.parametrize("contrast", [0.0, 0.5, 1.7, 4.0])
def test_brightness_saturates_before_contrast(gray: int, brightness: float, contrast: float) -> None:
    """Contrast keeps the mean, so that the result is the gray value after the change of brightness."""
    frames = torch.full((1, 1, 3, 8, 8), gray, dtype=torch.uint8)
    found = jitter_and_normalize(frames, torch.tensor([[brightness, contrast, 1.4]]))
    expected = torch.full((1, 1, 3, 8, 8), min(255.0, gray * brightness))
    torch.testing.assert_close(found, normalize(expected), rtol=0, atol=2e-3)  # GRAY adds up to 0.9999


def test_neutral_factors_only_normalize() -> None:
    frames = clips(2, 3, 8, 8)
    torch.testing.assert_close(jitter_and_normalize(frames, torch.ones(2, 3)), normalize(frames))


def test_the_host_needs_no_values_of_the_device() -> None:
    """Reading a value would wait for all work of an accelerator; the meta device has no values."""
    frames, color = clips(2, 3, 8, 8).to("meta"), torch.ones(2, 3, device="meta")
    assert jitter_and_normalize(frames, color).shape == normalize(frames).shape == frames.shape


@pytest.mark.parametrize("flip", [False, True])
def test_crop(flip: bool) -> None:
    frame, out = noise(), np.zeros((2, 20, 20, 3), np.uint8)
    frame.setflags(write=False)
    crop(frame, Augmentation(3, 5, flip, 1.2, 1.3, 0.7), out=out[1])
    np.testing.assert_array_equal(out[1], frame[3:23, 24:4:-1] if flip else frame[3:23, 5:25])
    np.testing.assert_array_equal(out[0], 0)


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
