"""Loose hair: a fringe over the forehead and strands at the sides of the face, drawn over the face."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.projection import SUBPIXEL_BITS, Projection

NUM_FRINGE, NUM_SIDE = 110, 90
"""Numbers of strands of a fringe and of the hair at both sides."""
STRAND_WIDTH = 0.0025
STRAND_POINTS = np.linspace(0, 1, 5)
SHADES = (0.55, 0.75, 0.9, 1.05, 1.3)
"""Brightness of groups of strands relative to the hair color."""
CURVATURE = 7.0
"""Curvature of the forehead in 1/m: depth below the middle is ``CURVATURE * x**2``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LooseHair:
    """Strands of hair, sampled in units of a face and placed by its landmarks.

    Attributes:
        fringe: ``(N, 4)`` root x, tip x, height of the tip above the brows in meters, and bend of each strand.
        side: ``(M, 4)`` side (-1 or 1), root x, tip x (distances from the midline in meters), and length of each strand.
    """

    fringe: FloatArray
    side: FloatArray

    @classmethod
    def sample(cls, rng: np.random.Generator, *, fringe: bool, sides: bool) -> Self:
        """Return random hair. A fringe ends between the hairline and the brows, and may leave a part of them free."""
        left, right = sorted(rng.uniform(-0.06, 0.06, 2)) if rng.random() < 0.4 else (-0.06, 0.06)
        root = rng.uniform(min(left, -0.01), max(right, 0.01), NUM_FRINGE)
        sweep, length, bend = rng.normal(0, 0.008), rng.uniform(-0.010, 0.012), rng.normal(0, 0.004)
        tip = root * rng.uniform(0.85, 1.1) + sweep + rng.normal(0, 0.004, NUM_FRINGE)
        height = length + np.abs(rng.normal(0, 0.006, NUM_FRINGE))
        front = np.stack([root, tip, height, bend + rng.normal(0, 0.002, NUM_FRINGE)], axis=1)
        inner = rng.uniform(0.052, 0.064)
        beside = np.stack(
            [
                np.where(np.arange(NUM_SIDE) % 2, 1.0, -1.0),
                rng.uniform(inner - 0.004, 0.075, NUM_SIDE),
                rng.uniform(inner, 0.085, NUM_SIDE),
                rng.uniform(0.5, 1.2) * rng.uniform(0.18, 0.26, NUM_SIDE),
            ],
            axis=1,
        )
        return cls(fringe=front if fringe else front[:0], side=beside if sides else beside[:0])

    def strands(self, projection: Projection) -> FloatArray:
        """Return the points ``(N + M, 5, 3)`` of all strands."""
        anchors, along = projection.anchors, STRAND_POINTS
        brow = np.mean([anchors[f"brow_3_{side}"][1] for side in ("left", "right")])
        top, depth = anchors["forehead_middle"][1] + 0.022, anchors["forehead_middle"][2] + 0.006
        root, tip, height, bend = self.fringe.T[..., None]
        x = root + (tip - root) * along**1.5 + bend * np.sin(np.pi * along)
        y = top + (brow + height - top) * along
        front = np.stack([x, y, depth - CURVATURE * x * x - 0.004 * along], axis=-1)
        sign, root, tip, length = self.side.T[..., None]
        x = sign * (root + (tip - root) * along + 0.006 * np.sin(np.pi * along))
        y = top - length * along
        side = np.stack([x, y, np.broadcast_to(depth - 0.03, x.shape)], axis=-1)
        return np.concatenate([side, front])


def draw_loose_hair(image: Image, hair: LooseHair, projection: Projection, color: FloatArray) -> Image:
    """Return the image with loose hair of a display-referred ``color`` ``(3,)``."""
    strands = projection.fixed_point(hair.strands(projection))
    width = projection.width(STRAND_WIDTH)
    for k, shade in enumerate(SHADES):
        lines = list(strands[k :: len(SHADES)])
        cv2.polylines(image, lines, False, projection.lit(color * shade), width, cv2.LINE_AA, SUBPIXEL_BITS)
    return image
