"""Textured backgrounds: out-of-focus shapes, edges, and patterns."""

from functools import lru_cache

import cv2
import numpy as np

from mdhr.synthetic.array_types import Image
from mdhr.synthetic.canvas import smooth_noise_image

NUM_SHAPES = (3, 14)
SATURATION = 0.6
"""Largest share of the color that is kept; the rest is gray."""
MAX_BLUR = 0.03
"""Largest blur relative to the size of the frame."""


@lru_cache(maxsize=16)
def textured_background(size: int, color: tuple[float, float, float], seed: int) -> Image:
    """Return a background ``(size, size, 3)`` around a display-referred color: furniture-like shapes and texture."""
    rng = np.random.default_rng([seed, 92821])
    muted = np.mean(color) + rng.uniform(0, SATURATION) * (np.asarray(color) - np.mean(color))
    image = np.full((size, size, 3), muted, np.float32)
    image *= 1 + 0.2 * smooth_noise_image(rng, size, (2, 4))[..., None]
    for _ in range(rng.integers(*NUM_SHAPES)):
        center, extent = rng.uniform(0, size, 2), size * rng.uniform(0.03, 0.5, 2)
        box = cv2.boxPoints((center.tolist(), extent.tolist(), float(rng.normal(0, 12)))).astype(np.int32)
        shade = np.clip(muted * rng.uniform(0.3, 1.8) + rng.normal(0, 0.05, 3), 0, 1).tolist()
        if rng.random() < 0.3:
            cv2.ellipse(
                image, box.mean(0).astype(int).tolist(), (extent / 2).astype(int).tolist(), 0, 0, 360, shade, -1
            )
        else:
            cv2.fillPoly(image, [box], shade)
    if rng.random() < 0.3:
        period, angle = size * rng.uniform(0.03, 0.15), rng.uniform(0, np.pi)
        x, y = np.meshgrid(np.arange(size), np.arange(size))
        stripes = np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / period)
        image *= 1 + rng.uniform(0.05, 0.25) * np.sign(stripes)[..., None].astype(np.float32)
    image *= 1 + rng.uniform(0.02, 0.12) * smooth_noise_image(rng, size, (size // 8, size // 3))[..., None]
    blurred = cv2.GaussianBlur(image, (0, 0), 0.5 + size * rng.uniform(0, MAX_BLUR))
    return (np.clip(blurred, 0, 1) * 255).astype(np.uint8)
