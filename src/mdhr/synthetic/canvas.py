"""Texture canvas in layout coordinates (meters), with blending, soft spots, and strokes."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.uv_layout import SPAN, TOP

STROKE_OVERSAMPLING = 4
"""Strokes are drawn at this multiple of the texture's resolution."""


@dataclass(frozen=True)
class Canvas:
    """Texture of S x S pixels during painting. Colors are display-referred RGB in 0 to 1.

    Attributes:
        image: ``(S, S, 3)`` colors.
        x: ``(S,)`` layout coordinate of each column in meters.
        y: ``(S,)`` layout coordinate of each row in meters.
    """

    image: FloatArray
    x: FloatArray
    y: FloatArray

    @classmethod
    def blank(cls, size: int) -> Self:
        """Return a black canvas."""
        centers = (np.arange(size, dtype=np.float32) + 0.5) / size * SPAN
        return cls(np.zeros((size, size, 3), np.float32), centers - SPAN / 2, TOP - centers)

    def spot(self, x: float, y: float, radius_x: float, radius_y: float) -> FloatArray:
        """Return a Gaussian spot ``(S, S)`` of height 1."""
        across = np.exp(-(((self.x - x) / radius_x) ** 2))
        return np.exp(-(((self.y - y) / radius_y) ** 2))[:, None] * across

    def spot_pair(self, x: float, y: float, radius_x: float, radius_y: float) -> FloatArray:
        """Return a Gaussian spot and its mirror image ``(S, S)``."""
        return self.spot(x, y, radius_x, radius_y) + self.spot(-x, y, radius_x, radius_y)

    def multiply(self, mask: FloatArray, factor: FloatArray) -> None:
        """Multiply the image by a color where the mask is 1."""
        self.image[:] *= 1 + mask[..., None] * (factor - 1)

    def blend(self, mask: FloatArray, color: FloatArray) -> None:
        """Replace the image by a color where the mask is 1."""
        self.image[:] += mask[..., None] * (color - self.image)

    def box(self, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Return the rows and columns of a rectangle in meters."""
        size = len(self.x)
        columns = slice(int((left / SPAN + 0.5) * size), int((right / SPAN + 0.5) * size))
        return slice(int((TOP - top) / SPAN * size), int((TOP - bottom) / SPAN * size)), columns

    def strokes(
        self, box: tuple[float, float, float, float], starts: FloatArray, ends: FloatArray, width: float
    ) -> tuple[slice, slice, FloatArray]:
        """Return rows, columns, and coverage in 0 to 1 of line strokes inside a box.

        The box (left, right, top, bottom), the end points ``(number, 2)``, and the stroke width are in meters.
        """
        rows, columns = self.box(*box)
        scale = STROKE_OVERSAMPLING
        pixel = float(self.x[1] - self.x[0]) / scale
        corner = np.asarray([self.x[columns.start] - pixel * scale / 2, self.y[rows.start] + pixel * scale / 2])
        layer = np.zeros(((rows.stop - rows.start) * scale, (columns.stop - columns.start) * scale), np.uint8)
        thickness = max(1, round(width / pixel))
        for start, end in zip((starts - corner) / [pixel, -pixel], (ends - corner) / [pixel, -pixel], strict=True):
            cv2.line(
                layer, np.round(start * 16).astype(int), np.round(end * 16).astype(int), 255, thickness, cv2.LINE_AA, 4
            )
        small = (columns.stop - columns.start, rows.stop - rows.start)
        return rows, columns, cv2.resize(layer, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def smooth_noise_image(rng: np.random.Generator, size: int, scales: tuple[int, ...]) -> FloatArray:
    """Return smooth noise ``(size, size)`` of unit variance: a sum of upsampled grids, one per scale."""
    noise = np.zeros((size, size), np.float32)
    for scale in scales:
        grid = rng.standard_normal((scale, scale), dtype=np.float32)
        noise += cv2.resize(grid, (size, size), interpolation=cv2.INTER_LINEAR)
    return noise / np.sqrt(np.float32(len(scales)))
