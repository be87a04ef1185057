"""Glasses: two rims, a bridge, and the front part of the temples, drawn over the face."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.projection import SUBPIXEL_BITS, Projection

FRAME_COLORS = np.asarray(
    [[0.05, 0.05, 0.06], [0.25, 0.13, 0.07], [0.62, 0.52, 0.30], [0.55, 0.56, 0.58], [0.35, 0.05, 0.08]]
)
CLEARANCE = 0.004
"""Meters between the bridge of the nose and the glasses."""
TEMPLE_LENGTH = 0.05
"""Length of the drawn part of a temple in meters. The head hides the rest."""
REFLECTION = 0.18
"""Opacity of a reflection of a window in the lenses."""
NUM_POINTS = 28


@dataclass(frozen=True, kw_only=True)
class Glasses:
    """Glasses, in meters.

    Attributes:
        half_width: half the width of a lens.
        half_height: half the height of a lens.
        roundness: exponent of the rim: 1 is an ellipse, smaller values are closer to a rectangle.
        thickness: width of the rim.
        color: ``(3,)`` display-referred color of the rim.
        tint: opacity of a gray lens, 0 to 1.
        reflecting: whether the lenses reflect light.
    """

    half_width: float
    half_height: float
    roundness: float
    thickness: float
    color: FloatArray
    tint: float
    reflecting: bool

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """Return random glasses."""
        return cls(
            half_width=rng.uniform(0.022, 0.028),
            half_height=rng.uniform(0.014, 0.021),
            roundness=rng.uniform(0.45, 1.0),
            thickness=rng.choice([0.0007, 0.0015, 0.0026]),
            color=FRAME_COLORS[rng.integers(len(FRAME_COLORS))],
            tint=rng.choice([0.0, 0.12, 0.3], p=[0.7, 0.2, 0.1]),
            reflecting=bool(rng.random() < 0.35),
        )

    def outline(self, projection: Projection, sign: int) -> FloatArray:
        """Return the rim ``(P, 3)`` around the left (sign 1) or the right (sign -1) eye, from its outer end on."""
        anchors, side = projection.anchors, "left" if sign > 0 else "right"
        center = np.mean([anchors[f"lid_{k}_{side}"] for k in range(8)], axis=0)
        turn = np.linspace(0, 2 * np.pi, NUM_POINTS, endpoint=False)
        cos, sin = np.cos(turn), np.sin(turn)
        across = sign * self.half_width * np.sign(cos) * np.abs(cos) ** self.roundness
        x = center[0] + 0.001 * sign + across
        y = center[1] - 0.003 + self.half_height * np.sign(sin) * np.abs(sin) ** self.roundness
        front = max(anchors["bridge_1_middle"][2], center[2] + 0.012) + CLEARANCE
        return np.stack([x, y, front - 2.0 * x * x], axis=1)


def draw_glasses(image: Image, glasses: Glasses, projection: Projection) -> Image:
    """Return the image with glasses."""
    rims = {sign: glasses.outline(projection, sign) for sign in (1, -1)}
    lenses = [projection.fixed_point(rim) for rim in rims.values()]
    if glasses.tint > 0:
        image = _blend(image, lenses, (60, 60, 62), glasses.tint)
    if glasses.reflecting:
        # the upper outer quarter of each lens
        quarters = [projection.fixed_point(rim[[1, 3, 6, 9]]) for rim in rims.values()]
        image = _blend(image, quarters, (235, 240, 245), REFLECTION)
    left, right = rims[1], rims[-1]
    inner = NUM_POINTS // 2 - 3
    middle = (left[inner] + right[inner]) / 2 + [0, 0.002, 0.002]
    lines = [np.stack([left[inner], middle, right[inner]])]
    for rim in (left, right):
        hinge = rim[2]
        backwards = np.asarray([0.003 * np.sign(hinge[0]), 0.001, -TEMPLE_LENGTH])
        lines.append(np.stack([hinge, hinge + backwards]))
    color, width = projection.lit(glasses.color), projection.width(glasses.thickness)
    cv2.polylines(image, lenses, True, color, width, cv2.LINE_AA, SUBPIXEL_BITS)
    cv2.polylines(
        image, [projection.fixed_point(line) for line in lines], False, color, width, cv2.LINE_AA, SUBPIXEL_BITS
    )
    return image


def _blend(image: Image, polygons: list[np.ndarray], color: tuple[int, int, int], opacity: float) -> Image:
    layer = image.copy()
    cv2.fillPoly(layer, polygons, color, cv2.LINE_AA, SUBPIXEL_BITS)
    return np.asarray(cv2.addWeighted(layer, opacity, image, 1 - opacity, 0), np.uint8)
