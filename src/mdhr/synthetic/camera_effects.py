"""Image effects of a frame: background, lens blur, and sensor noise."""

from functools import lru_cache

import cv2
import numpy as np

from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.array_types import FloatArray, Image


def add_camera_effects(image: Image, animation: FaceAnimation, f: int) -> Image:
    """Return the image ``(size, size, 3)`` of frame ``f`` with lens blur and sensor noise."""
    size = len(image)
    sigma = float(animation.blur[f]) * size / 160
    if sigma > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    if animation.noise[f] > 0:
        rng = np.random.default_rng([animation.background_seed, f])
        top, left = rng.integers(0, size, 2)
        grain = _noise_plate(size)[top : top + size, left : left + size]
        image = np.asarray(cv2.add(image, grain * animation.noise[f], dtype=cv2.CV_8U), np.uint8)
    return image


def background_image(size: int, animation: FaceAnimation) -> Image:
    """Return a background ``(size, size, 3)``: the background color with a soft random gradient."""
    return _background_image(size, tuple(float(c) for c in animation.background), animation.background_seed)


@lru_cache(maxsize=2)
def _noise_plate(size: int) -> FloatArray:
    """Return noise ``(2 size, 2 size, 3)``, of which each frame uses a random window."""
    return np.random.default_rng(size).standard_normal((2 * size, 2 * size, 3), dtype=np.float32)


@lru_cache(maxsize=16)
def _background_image(size: int, color: tuple[float, float, float], seed: int) -> Image:
    rng = np.random.default_rng([seed, 104729])
    grain = rng.standard_normal((4, 4, 3), dtype=np.float32) * np.float32(0.04)
    grain += rng.standard_normal((4, 4, 1), dtype=np.float32) * np.float32(0.10)
    soft = cv2.resize(grain, (size, size), interpolation=cv2.INTER_CUBIC)
    return (np.clip(np.asarray(color, np.float32) * (1 + soft), 0, 1) * 255).astype(np.uint8)
