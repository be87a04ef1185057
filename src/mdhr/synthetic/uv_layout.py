"""Where the skin lies in the texture.

The front of the face is a plain frontal view in meters, so that painting needs no thought: a point (x, y) of the
template is painted at (x, y). The sides, where a frontal view would smear, are unrolled with depth. Eye balls and
teeth have patches of their own in the lower corners, where the chart holds nothing that a camera sees.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

SPAN = 0.30
"""Metres from edge to edge of the texture."""
TOP = 0.125
"""Height, above the eyes, of the texture's upper edge."""
UNROLL = -0.02
"""Depth from which on the sides are unrolled."""
PATCH = 3 / 16
"""Edge of the patches for eyes and teeth, as a share of the texture."""
EYE_ANGLE = 1.25
"""Angle from the eye ball's front, in radians, at the rim of its patch."""
TEETH_SPAN = (0.05, 0.03)
"""Metres covered by the teeth's patch."""


def to_uv(x: NDArray, y: NDArray) -> Floats:
    """Texture place (..., 2), 0 to 1, of chart coordinates in meters."""
    return np.stack([x / SPAN + 0.5, (TOP - y) / SPAN], axis=-1).astype(np.float32)


def flatten(points: Floats) -> Floats:
    """Chart coordinates (..., 2) in meters of points (..., 3) on the skin."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x + np.maximum(UNROLL - z, 0) * np.tanh(x / 0.03), y], axis=-1)


def body_chart(points: Floats) -> Floats:
    """Texture place of the skin's vertices (V, 3); the neck stays clear of the patches."""
    x, y = np.moveaxis(flatten(points), -1, 0)
    lowest = TOP - (1 - PATCH) * SPAN
    limit = np.where(y < lowest + 0.004, (0.5 - PATCH) * SPAN - 0.004, 0.5 * SPAN)
    return np.clip(to_uv(np.clip(x, -limit, limit), y), 0.002, 0.998)


def eye_chart(points: Floats) -> Floats:
    """Texture place of one eye ball's vertices (E, 3): angle from the front as radius, lower left patch."""
    center = (points.min(0) + points.max(0)) / 2
    ray = (points - center) / np.linalg.norm(points - center, axis=1, keepdims=True)
    radius = np.clip(np.arccos(np.clip(ray[:, 2], -1, 1)) / EYE_ANGLE, 0, 0.98)
    around = np.arctan2(ray[:, 1], ray[:, 0])
    disc = np.stack([1 + radius * np.cos(around), 1 - radius * np.sin(around)], axis=-1) * PATCH / 2
    disc[:, 1] += 1 - PATCH
    return disc.astype(np.float32)


def teeth_chart(points: Floats) -> Floats:
    """Texture place of the teeth's vertices (N, 3): frontal view in the lower right patch."""
    center = (points.min(0) + points.max(0)) / 2
    place = (points - center)[:, :2] / TEETH_SPAN * [1, -1] + 0.5
    return (1 - PATCH + PATCH * np.clip(place, 0.03, 0.97)).astype(np.float32)
