"""Shadow of something outside the frame, with a soft edge that moves over the image."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.temporal_noise import smooth_noise

GRID = 32
"""Height and width of the shadow map, which is interpolated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CastShadow:
    """Dark band, in units of the frame.

    Attributes:
        angle: direction across the band in radians.
        center: ``(F,)`` distance of the band's middle from the middle of the frame.
        half_width: half the width of the band.
        softness: width of its edges.
        depth: darkening in 0 to 1.
    """

    angle: float
    center: FloatArray
    half_width: float
    softness: float
    depth: float

    @classmethod
    def sample(cls, rng: np.random.Generator, num_frames: int, fps: float) -> Self:
        """Return a random band that drifts through F frames."""
        return cls(
            angle=rng.uniform(0, 2 * np.pi),
            center=(rng.uniform(-0.6, 0.6) + 0.12 * smooth_noise(rng, num_frames, 1.5 * fps)).astype(np.float32),
            half_width=rng.uniform(0.1, 0.6),
            softness=rng.uniform(0.01, 0.12),
            depth=rng.uniform(0.2, 0.55),
        )


def cast_shadow(image: Image, shadow: CastShadow, f: int) -> Image:
    """Return frame ``f`` with the shadow."""
    place = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID - 0.5
    distance = np.cos(shadow.angle) * place + np.sin(shadow.angle) * place[:, None] - shadow.center[f]
    inside = np.clip((shadow.half_width - np.abs(distance)) / shadow.softness + 0.5, 0, 1)
    factor = np.round(255 * (1 - shadow.depth * inside)).astype(np.uint8)
    mask = cv2.resize(factor, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.multiply(image, cv2.merge([mask] * 3), scale=1 / 255), np.uint8)
