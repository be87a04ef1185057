"""What happens to the pixels of a clip: one draw for all its frames (recipe: supplement, section 4).

Training: random crop, flip, then brightness, contrast and saturation, in that order. Test: resize. Frames stay
uint8 until they are on the device that the network runs on.
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
"""Weights of red, green and blue in the gray value, as torchvision has them."""


class Augmentation(NamedTuple):
    """One draw for a whole clip; factors of 1 change nothing."""

    top: int
    left: int
    flip: bool
    brightness: float
    contrast: float
    saturation: float


def draw_augmentation(
    rng: np.random.Generator, *, size: int, crop_size: int, jitter: tuple[float, float]
) -> Augmentation:
    """Draw a crop of ``crop_size`` from frames of ``size``, a flip, and three factors from U(``jitter``)."""
    top, left = (int(offset) for offset in rng.integers(size - crop_size + 1, size=2))
    flip = bool(rng.random() < 0.5)
    brightness, contrast, saturation = (float(factor) for factor in rng.uniform(*jitter, size=3))
    return Augmentation(top, left, flip, brightness, contrast, saturation)


def augment(frame: np.ndarray, draw: Augmentation, crop_size: int, *, out: np.ndarray | None = None) -> np.ndarray:
    """Apply a draw to one frame ``(H, W, 3)`` uint8; gives ``(crop_size, crop_size, 3)`` uint8, in ``out`` if given.

    All three steps of color are linear but for where they saturate. So the pixels are held to what does not saturate,
    which costs little, and one matrix does the rest: never more than two gray levels from step after step.
    """
    frame = frame[draw.top : draw.top + crop_size, draw.left : draw.left + crop_size]
    if draw.flip:
        frame = cv2.flip(frame, 1)
    _, frame = cv2.threshold(frame, round(255 / max(draw.brightness, 1)), 0, cv2.THRESH_TRUNC)
    gain = draw.brightness * draw.contrast
    offset = (1 - draw.contrast) * draw.brightness * sum(map(mul, GRAY, cv2.mean(frame)))
    if gain > draw.brightness:  # more contrast drives pixels beyond black and white
        black, white = round(-offset / gain), round((255 - offset) / gain)
        np.clip(frame, black, min(white, 255), out=frame)
    matrix = _color_matrix(gain, draw.saturation).copy()
    matrix[:, 3] = offset
    return cv2.transform(frame, matrix, dst=out)


@lru_cache(maxsize=1)  # the same for all frames of a clip
def _color_matrix(gain: float, saturation: float) -> np.ndarray:
    """``(3, 4)`` for red, green, blue and an offset: saturation blends every pixel with its gray value."""
    return gain * (saturation * np.eye(3, 4) + (1 - saturation) * np.array([*GRAY, 0]))


def resize(frames: UInt8[Tensor, "T 3 H W"], size: int) -> UInt8[Tensor, "T 3 size size"]:
    """Resize (bilinear, antialiased); frames that have the size already are handed back."""
    if frames.shape[-2:] == (size, size):
        return frames
    return functional.resize(frames, [size, size], antialias=True)


def normalize(frames: UInt8[Tensor, "*batch 3 H W"]) -> Float[Tensor, "*batch 3 H W"]:
    """uint8 RGB to float32 with ImageNet mean and standard deviation, on the device where the frames are."""
    mean = torch.tensor(IMAGENET_MEAN, device=frames.device)[:, None, None] * 255
    std = torch.tensor(IMAGENET_STD, device=frames.device)[:, None, None] * 255
    return frames.float().sub_(mean).div_(std)
