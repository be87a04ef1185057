"""Clip transforms: augmentation for training (supplement, section 4), resizing for testing, and normalization.

Training applies random crop, horizontal flip, brightness, contrast and saturation in this order, with one set of
parameters for all frames of a clip. Crop and flip happen while a clip is loaded. Frames stay uint8 until they are on the
device of the network, where the color factors are applied together with the normalization.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torchvision.transforms.v2 import functional

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
GRAY = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in the gray value, as in torchvision."""
_NUM_CACHED_VALUES = 2**19
"""Float32 values of which the cache of a processor contains a few copies."""


class Augmentation(NamedTuple):
    """Augmentation parameters of one clip; color factors of 1 have no effect."""

    top: int
    """First row of the crop."""
    left: int
    """First column of the crop."""
    flip: bool
    """Whether the crop is mirrored horizontally."""
    brightness: float
    contrast: float
    saturation: float

    @property
    def color(self) -> tuple[float, float, float]:
        """Factors for brightness, contrast and saturation."""
        return self.brightness, self.contrast, self.saturation


def sample_augmentation(
    rng: np.random.Generator, *, size: int, crop_size: int, jitter: tuple[float, float]
) -> Augmentation:
    """Sample the parameters of one clip.

    Args:
        size, crop_size: side of the frames and of the crop in pixels.
        jitter: range of the uniform distribution of each color factor.
    """
    top, left = (int(offset) for offset in rng.integers(size - crop_size + 1, size=2))
    flip = bool(rng.random() < 0.5)
    brightness, contrast, saturation = (float(factor) for factor in rng.uniform(*jitter, size=3))
    return Augmentation(top, left, flip, brightness, contrast, saturation)


def crop(frame: np.ndarray, augmentation: Augmentation, *, out: np.ndarray) -> None:
    """Write the crop of a frame ``(H, W, 3)`` uint8 RGB to ``out``, ``(S, S, 3)``, mirrored if ``augmentation.flip``."""
    top, left, flip = augmentation[:3]
    region = frame[top : top + len(out), left : left + len(out)]
    # Flipping into a small array and copying is faster than flipping into the memory of a batch.
    out[:] = cv2.flip(region, 1) if flip else region


def resize(frames: UInt8[Tensor, "T 3 H W"], size: int) -> UInt8[Tensor, "T 3 size size"]:
    """Return frames resized with bilinear interpolation and antialiasing, or unchanged if they have the size."""
    if frames.shape[-2:] == (size, size):
        return frames
    return functional.resize(frames, [size, size], antialias=True)


def normalize(frames: UInt8[Tensor, "*batch 3 H W"]) -> Float[Tensor, "*batch 3 H W"]:
    """Return uint8 RGB frames as float32, normalized by ImageNet mean and standard deviation, on the same device."""
    mean, std = (255 * constant[:, None, None] for constant in _constants(frames.device, IMAGENET_MEAN, IMAGENET_STD))
    return frames.float().sub_(mean).div_(std)


def jitter_and_normalize(frames: UInt8[Tensor, "B T 3 H W"], color: Float[Tensor, "B 3"]) -> Float[Tensor, "B T 3 H W"]:
    """Return clips as float32, with other colors, normalized, in channels-last memory order on the same device.

    Brightness multiplies the values, contrast their difference from the mean gray value of the frame, and saturation
    their difference from the gray value of the pixel. Every step clips its result to 0 to 255. The host does not wait
    for the device.

    Args:
        color: factors of each clip for brightness, contrast and saturation.
    """
    (num_clips, num_frames, _, height, width), device = frames.shape, frames.device
    gray, mean, std = _constants(device, GRAY, IMAGENET_MEAN, IMAGENET_STD)
    scale, shift = (row.repeat(width) for row in (1 / (255 * std), -mean / std))  # long rows are faster than pixels
    gray_weights = gray.repeat(height * width) / (height * width)
    factors = color[:, None].expand(-1, num_frames, -1).flatten(0, 1)[..., None]  # BT 3 1
    mixing = _saturation_matrix(factors[:, 2:], gray, num_pixels=math.gcd(height * width, 4))
    values = frames.movedim(-3, -1).reshape(num_clips * num_frames, -1)  # BT HW3
    normalized = torch.empty(values.shape, device=device)
    # A processor is limited by its memory: it processes a few frames at a time.
    num_parallel = max(1, _NUM_CACHED_VALUES // values.shape[1]) if frames.is_cpu else len(values)
    parts = (part.split(num_parallel) for part in (values, factors, mixing, normalized))
    for source, factor, matrix, target in zip(*parts, strict=True):
        brightness, contrast, _ = factor.unbind(1)  # n 1
        x = source.float().clamp_max_(255 / brightness)
        offset = (1 - contrast) * brightness * (x @ gray_weights)[:, None]
        x.mul_(brightness * contrast).add_(offset).clamp_(0, 255)
        torch.bmm(x.view(len(x), -1, matrix.shape[1]), matrix, out=target.view(len(x), -1, matrix.shape[1]))
        rows = target.clamp_(0, 255).view(-1, 3 * width)
        torch.addcmul(shift, rows, scale, out=rows)
    return normalized.view(num_clips, num_frames, height, width, 3).movedim(-1, -3)


def _saturation_matrix(saturation: Tensor, gray: Tensor, *, num_pixels: int) -> Tensor:
    """Return ``n 3p 3p``, whose product with the row of p pixels moves each to or from its gray value.

    Args:
        saturation: ``n 1 1``.
        num_pixels: p. A processor multiplies matrices of 4 pixels several times faster than those of one.
    """
    one, identity = (torch.eye(size, device=gray.device) for size in (3, num_pixels))
    return torch.kron(identity, saturation * one + (1 - saturation) * gray[:, None])


def _constants(device: torch.device, *values: tuple[float, float, float]) -> Tensor:
    """Return one row per argument, on a device. A blocking copy would wait for all work of the device."""
    return torch.tensor(values).to(device, non_blocking=True)
