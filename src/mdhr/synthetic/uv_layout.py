"""UV layout of the texture: skin, eyes, and teeth.

The front of the face is an orthographic frontal view in meters: a skin point ``(x, y, z)`` of the template is painted
at ``(x, y)``. These *layout coordinates* equal the template's x and y except at the sides of the head, which are
unrolled with depth because a frontal view would stretch them. Eyes and teeth have square patches in the lower corners,
where the layout contains no visible skin. The corner of the texture, outside the disc of the eye, is the mouth's lining.
"""

import numpy as np

from mdhr.synthetic.array_types import FloatArray

SPAN = 0.30
"""Edge length of the texture in meters."""
TOP = 0.125
"""Height of the upper texture edge above the eyes in meters."""
UNROLL_DEPTH = -0.02
"""Depth (z, in meters) behind which the sides are unrolled."""
PATCH = 3 / 16
"""Edge length of the patches for eyes and teeth, as a fraction of the texture."""
EYE_ANGLE = 1.25
"""Angle in radians between the front of the eyeball and the rim of its patch."""
MOUTH_PATCH = PATCH * 0.13
"""Edge length of the patch for tongue and gums in the corner of the eye's patch, as a fraction of the texture."""
TEETH_SPAN = (0.05, 0.03)
"""Width and height in meters of the region that the teeth patch covers."""


def layout_to_uv(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return UV coordinates ``(..., 2)`` in 0 to 1 of layout coordinates in meters."""
    return np.stack([x / SPAN + 0.5, (TOP - y) / SPAN], axis=-1).astype(np.float32)


def layout_coordinates(points: FloatArray) -> FloatArray:
    """Return layout coordinates ``(..., 2)`` in meters of skin points ``(..., 3)``."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x + np.maximum(UNROLL_DEPTH - z, 0) * np.tanh(x / 0.03), y], axis=-1)


def skin_uv(points: FloatArray, *, margin: float = 0.004) -> FloatArray:
    """Return UV coordinates ``(V, 2)`` of skin vertices ``(V, 3)``. The neck does not overlap the patches.

    ``margin`` is the height in meters above the patches from which the neck is narrowed. It must exceed the height of
    the triangles there.
    """
    x, y = np.moveaxis(layout_coordinates(points), -1, 0)
    lowest = TOP - (1 - PATCH) * SPAN
    limit = np.where(y < lowest + margin, (0.5 - PATCH) * SPAN - 0.004, 0.5 * SPAN)
    return np.clip(layout_to_uv(np.clip(x, -limit, limit), y), 0.002, 0.998)


def eye_uv(points: FloatArray, *, iris_scale: float = 1.0) -> FloatArray:
    """Return UV coordinates ``(V, 2)`` of the vertices ``(V, 3)`` of one eyeball, in the lower left patch.

    The radius is the angle from the front of the eyeball, divided by ``iris_scale``.
    """
    center = (points.min(0) + points.max(0)) / 2
    ray = (points - center) / np.linalg.norm(points - center, axis=1, keepdims=True)
    radius = np.clip(np.arccos(np.clip(ray[:, 2], -1, 1)) / (EYE_ANGLE * iris_scale), 0, 0.98)
    azimuth = np.arctan2(ray[:, 1], ray[:, 0])
    disc = np.stack([1 + radius * np.cos(azimuth), 1 - radius * np.sin(azimuth)], axis=-1) * PATCH / 2
    disc[:, 1] += 1 - PATCH
    return disc.astype(np.float32)


def teeth_uv(points: FloatArray) -> FloatArray:
    """Return UV coordinates ``(V, 2)`` of teeth vertices ``(V, 3)``: a frontal view in the lower right patch."""
    center = (points.min(0) + points.max(0)) / 2
    place = (points - center)[:, :2] / TEETH_SPAN * [1, -1] + 0.5
    return (1 - PATCH + PATCH * np.clip(place, 0.03, 0.97)).astype(np.float32)


def mouth_uv(number: int) -> FloatArray:
    """Return UV coordinates ``(number, 2)`` of tongue and gums, which have one color."""
    return np.tile(np.asarray([MOUTH_PATCH / 2, 1 - MOUTH_PATCH / 2], np.float32), (number, 1))
