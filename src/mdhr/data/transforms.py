"""Clip transforms: augmentation for training (supplement, section 4), resizing for testing, and normalization.

Training applies random crop, horizontal flip, brightness, contrast and saturation in this order, with one set of
parameters for all frames of a clip. Frames stay uint8 until they are on the device of the network.
"""

from functools import lru_cache
from operator import mul
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


def augment(
    frame: np.ndarray, augmentation: Augmentation, crop_size: int, *, out: np.ndarray | None = None
) -> np.ndarray:
    """Return the augmented crop ``(crop_size, crop_size, 3)`` uint8 of a frame ``(H, W, 3)`` uint8 RGB.

    Brightness, contrast and saturation are linear, apart from clipping to 0 and 255. Therefore the input is clipped to
    the range that the steps preserve, and one matrix applies all three. The result differs from that of separate steps
    by at most two gray levels.

    Args:
        out: array to write the crop to; a new one if None.
    """
    top, left, flip, brightness, contrast, saturation = augmentation
    frame = frame[top : top + crop_size, left : left + crop_size]
    if flip:
        frame = cv2.flip(frame, 1)
    _, frame = cv2.threshold(frame, round(255 / max(brightness, 1)), 0, cv2.THRESH_TRUNC)
    gain = brightness * contrast
    offset = (1 - contrast) * brightness * sum(map(mul, GRAY, cv2.mean(frame)))
    if gain > brightness:  # a contrast above 1 moves pixels beyond black and white
        black, white = round(-offset / gain), round((255 - offset) / gain)
        np.clip(frame, black, min(white, 255), out=frame)
    matrix = _color_matrix(gain, saturation).copy()
    matrix[:, 3] = offset
    return cv2.transform(frame, matrix, dst=out)


@lru_cache(maxsize=1)  # shared by all frames of a clip
def _color_matrix(gain: float, saturation: float) -> np.ndarray:
    """Return ``(3, 4)`` weights of red, green, blue and 1 that interpolate between a pixel and its gray value."""
    return gain * (saturation * np.eye(3, 4) + (1 - saturation) * np.array([*GRAY, 0]))


def resize(frames: UInt8[Tensor, "T 3 H W"], size: int) -> UInt8[Tensor, "T 3 size size"]:
    """Return frames resized with bilinear interpolation and antialiasing, or unchanged if they have the size."""
    if frames.shape[-2:] == (size, size):
        return frames
    return functional.resize(frames, [size, size], antialias=True)


def normalize(frames: UInt8[Tensor, "*batch 3 H W"]) -> Float[Tensor, "*batch 3 H W"]:
    """Return uint8 RGB frames as float32, normalized by ImageNet mean and standard deviation, on the same device."""
    mean = torch.tensor(IMAGENET_MEAN, device=frames.device)[:, None, None] * 255
    std = torch.tensor(IMAGENET_STD, device=frames.device)[:, None, None] * 255
    return frames.float().sub_(mean).div_(std)
