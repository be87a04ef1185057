"""Wrinkles and bulges of action units: painted shading that scales with intensity.

The mesh alone shows AU6, AU9, and AU14 too weakly, and furrows of a millimeter are finer than its resolution. Each
layer is a small patch of the texture. The layer times the intensity is added to a shading texture around 1. Positions
follow the appearance changes that the FACS manual describes.
"""

from dataclasses import dataclass

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.face_units import AUS, SIDES
from mdhr.synthetic.uv_layout import SPAN, TOP

Point = tuple[float, float]


@dataclass(frozen=True)
class Crease:
    """Furrow along three points on the left side of the face, in meters. ``depth`` is a relative darkening."""

    points: tuple[Point, ...]
    width: float
    depth: float


@dataclass(frozen=True)
class Bulge:
    """Gaussian spot with relative lightness, positive or negative."""

    center: Point
    radius: Point
    lightness: float


FEATURES: dict[int, tuple[Crease | Bulge, ...]] = {
    1: (
        Crease(((0.000, 0.0290), (0.010, 0.0300), (0.022, 0.0280)), 0.0011, 0.22),
        Crease(((0.000, 0.0370), (0.012, 0.0378), (0.026, 0.0355)), 0.0011, 0.22),
        Crease(((0.000, 0.0450), (0.012, 0.0455), (0.024, 0.0440)), 0.0012, 0.16),
    ),
    2: (
        Crease(((0.018, 0.0300), (0.034, 0.0325), (0.050, 0.0270)), 0.0011, 0.22),
        Crease(((0.018, 0.0380), (0.034, 0.0405), (0.052, 0.0350)), 0.0011, 0.20),
    ),
    4: (
        Crease(((0.0055, 0.0060), (0.0065, 0.0150), (0.0050, 0.0260)), 0.0012, 0.26),
        Crease(((0.0110, 0.0130), (0.0125, 0.0200), (0.0110, 0.0250)), 0.0012, 0.14),
        Bulge((0.012, 0.0125), (0.007, 0.005), -0.14),
        Bulge((0.0, 0.0160), (0.0035, 0.009), 0.06),
    ),
    6: (
        Crease(((0.0465, 0.0010), (0.0540, 0.0055), (0.0600, 0.0090)), 0.0010, 0.30),
        Crease(((0.0470, -0.0030), (0.0550, -0.0030), (0.0620, -0.0020)), 0.0010, 0.30),
        Crease(((0.0460, -0.0070), (0.0530, -0.0110), (0.0590, -0.0140)), 0.0010, 0.26),
        Crease(((0.0200, -0.0120), (0.0300, -0.0165), (0.0420, -0.0125)), 0.0013, 0.26),
        Bulge((0.0380, -0.0240), (0.0140, 0.0070), 0.12),
    ),
    7: (
        Crease(((0.0220, -0.0085), (0.0310, -0.0105), (0.0410, -0.0075)), 0.0010, 0.20),
        Bulge((0.0315, -0.0070), (0.0090, 0.0018), 0.10),
    ),
    9: (
        Crease(((0.0030, 0.0020), (0.0080, -0.0030), (0.0130, -0.0050)), 0.0010, 0.30),
        Crease(((0.0030, -0.0040), (0.0080, -0.0095), (0.0140, -0.0115)), 0.0010, 0.32),
        Crease(((0.0040, -0.0100), (0.0085, -0.0160), (0.0140, -0.0180)), 0.0010, 0.26),
        Crease(((0.0000, 0.0040), (0.0040, 0.0045), (0.0070, 0.0030)), 0.0010, 0.26),
        Crease(((0.0165, -0.0330), (0.0205, -0.0385), (0.0220, -0.0450)), 0.0013, 0.28),
    ),
    10: (
        Crease(((0.0180, -0.0360), (0.0235, -0.0430), (0.0275, -0.0530)), 0.0014, 0.32),
        Bulge((0.0290, -0.0390), (0.0070, 0.0080), 0.07),
    ),
    12: (
        Crease(((0.0185, -0.0370), (0.0265, -0.0480), (0.0330, -0.0640)), 0.0015, 0.32),
        Bulge((0.0390, -0.0380), (0.0120, 0.0100), 0.09),
    ),
    14: (
        Crease(((0.0290, -0.0600), (0.0315, -0.0665), (0.0295, -0.0730)), 0.0015, 0.46),
        Bulge((0.0310, -0.0665), (0.0045, 0.0065), -0.14),
        Bulge((0.0375, -0.0665), (0.0045, 0.0080), 0.10),
    ),
    15: (
        Crease(((0.0255, -0.0690), (0.0285, -0.0740), (0.0300, -0.0820)), 0.0013, 0.34),
        Bulge((0.0225, -0.0790), (0.0050, 0.0040), -0.08),
    ),
    17: (
        Crease(((0.0000, -0.0830), (0.0080, -0.0838), (0.0150, -0.0865)), 0.0015, 0.26),
        *(
            Bulge((x, y), (0.0020, 0.0017), -0.20)
            for x, y in ((0.003, -0.0915), (0.009, -0.0930), (0.005, -0.0975), (0.012, -0.0985), (0.008, -0.1020))
        ),
        Bulge((0.0, -0.0950), (0.0140, 0.0080), 0.06),
    ),
    23: (
        Crease(((0.0060, -0.0540), (0.0062, -0.0575), (0.0060, -0.0600)), 0.0009, 0.20),
        Crease(((0.0120, -0.0545), (0.0118, -0.0580), (0.0115, -0.0605)), 0.0009, 0.20),
        Crease(((0.0040, -0.0765), (0.0042, -0.0790), (0.0040, -0.0820)), 0.0009, 0.18),
        Crease(((0.0110, -0.0755), (0.0115, -0.0785), (0.0120, -0.0810)), 0.0009, 0.18),
    ),
    24: (
        Bulge((0.0080, -0.0555), (0.0120, 0.0025), 0.09),
        Bulge((0.0080, -0.0815), (0.0120, 0.0025), 0.09),
        Crease(((0.0000, -0.0855), (0.0090, -0.0860), (0.0160, -0.0840)), 0.0014, 0.16),
    ),
}
"""Creases and bulges of each action unit on the subject's left side, in layout coordinates."""

MARGIN = 0.006
"""Margin of a layer around its features in meters."""


@dataclass(frozen=True)
class Wrinkle:
    """Shading layer: ``shading[rows, columns] += intensity[au, side] * layer``.

    ``au`` is an index into ``AUS`` and ``side`` an index into ``SIDES``.
    """

    au: int
    side: int
    rows: slice
    columns: slice
    layer: FloatArray


def crease_profile(x: FloatArray, y: FloatArray, crease: Crease) -> FloatArray:
    """Return the shading of a furrow: dark inside, slightly bright along both edges, and fading at its ends."""
    knots = np.asarray(crease.points, np.float32)
    along = np.linspace(0, 1, 17, dtype=np.float32)
    # quadratic Lagrange interpolation through the three points
    a, b, c = 2 * (along - 0.5) * (along - 1), 4 * along * (1 - along), 2 * along * (along - 0.5)
    curve = a[:, None] * knots[0] + b[:, None] * knots[1] + c[:, None] * knots[2]
    squared = (x[..., None] - curve[:, 0]) ** 2 + (y[..., None] - curve[:, 1]) ** 2
    nearest = squared.argmin(-1)
    distance = np.sqrt(squared.min(-1)) / crease.width
    starts_in_middle = knots[0, 0] == 0
    fade = np.clip(np.sin(np.pi * (0.5 + along / 2 if starts_in_middle else along)), 0, 1) ** 0.6
    furrow = -np.exp(-(distance**2)) + 0.22 * np.exp(-(((distance - 2.6) / 1.3) ** 2))
    return crease.depth * fade[nearest] * furrow


def bulge_profile(x: FloatArray, y: FloatArray, bulge: Bulge) -> FloatArray:
    """Return the shading of a Gaussian spot."""
    dx, dy = (x - bulge.center[0]) / bulge.radius[0], (y - bulge.center[1]) / bulge.radius[1]
    return bulge.lightness * np.exp(-(dx**2) - dy**2)


def make_wrinkles(rng: np.random.Generator, *, size: int, strength: float) -> tuple[Wrinkle, ...]:
    """Return the layers of an identity for a texture of ``size`` pixels. ``strength``, about 1, grows with age."""
    layers = []
    centers = (np.arange(size, dtype=np.float32) + 0.5) / size
    for au, features in FEATURES.items():
        depth = strength * rng.uniform(0.75, 1.25)
        offset = rng.normal(0, 0.0008, 2).astype(np.float32)
        reach = [
            (x, y, *(feature.radius if isinstance(feature, Bulge) else (0.0, 0.0)))
            for feature in features
            for x, y in ([feature.center] if isinstance(feature, Bulge) else feature.points)
        ]
        xs = [x + sign * (1.5 * rx + MARGIN) for x, _, rx, _ in reach for sign in (-1, 1)]
        ys = [y + sign * (1.5 * ry + MARGIN) for _, y, _, ry in reach for sign in (-1, 1)]
        # A layer ends at the midline, because the mirrored layer covers the other half.
        first = int((max(min(xs), 0.0) / SPAN + 0.5) * size)
        last = int((max(xs) / SPAN + 0.5) * size)
        top, bottom = int((TOP - max(ys)) / SPAN * size), int((TOP - min(ys)) / SPAN * size)
        x, y = np.meshgrid((centers[first:last] - 0.5) * SPAN, TOP - centers[top:bottom] * SPAN)
        x, y = x + min(offset[0], 0.0) * (x > 0.004), y + offset[1]
        layer = np.zeros_like(x)
        for feature in features:
            layer += bulge_profile(x, y, feature) if isinstance(feature, Bulge) else crease_profile(x, y, feature)
        layer = (depth * layer).astype(np.float32)
        index, rows = AUS.index(au), slice(top, bottom)
        layers.append(Wrinkle(index, SIDES.index("Left"), rows, slice(first, last), layer))
        mirrored = np.ascontiguousarray(layer[:, ::-1])
        layers.append(Wrinkle(index, SIDES.index("Right"), rows, slice(size - last, size - first), mirrored))
    return tuple(layers)
