"""Which directions a point of the head can see: soft self-shadows as spherical harmonics.

Casting shadows in every frame would cost as much as the frame. What shadows a face (nose, brow ridge, lower lip,
chin) hardly changes with identity or expression, so the visibility of every vertex of the template is measured once
from many directions and kept as real spherical harmonics up to degree 3. Source: the visibility half of precomputed
radiance transfer (Sloan, Kautz and Snyder 2002).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NUM_DIRECTIONS = 400
DEPTH_SIZE = 768
BIAS = 0.003
"""Metres that a blocker must be nearer than the vertex."""


def harmonics(direction: NDArray) -> Floats:
    """Real spherical harmonics of degree 0 to 3, (..., 16), of unit directions (..., 3)."""
    x, y, z = np.moveaxis(np.asarray(direction, np.float64), -1, 0)
    one = np.ones_like(x)
    basis = [
        0.282095 * one,
        0.488603 * y,
        0.488603 * z,
        0.488603 * x,
        1.092548 * x * y,
        1.092548 * y * z,
        0.315392 * (3 * z * z - 1),
        1.092548 * x * z,
        0.546274 * (x * x - y * y),
        0.590044 * y * (3 * x * x - y * y),
        2.890611 * x * y * z,
        0.457046 * y * (5 * z * z - 1),
        0.373176 * z * (5 * z * z - 3),
        0.457046 * x * (5 * z * z - 1),
        1.445306 * z * (x * x - y * y),
        0.590044 * x * (x * x - 3 * y * y),
    ]
    return np.stack(basis, axis=-1).astype(np.float32)


def directions(number: int) -> NDArray:
    """Directions (number, 3) spread evenly over the sphere (Fibonacci spiral)."""
    k = np.arange(number) + 0.5
    z = 1 - 2 * k / number
    angle = np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=-1)


def visibility(
    vertices: Floats, triangles: NDArray, *, num_directions: int = NUM_DIRECTIONS, depth_size: int = DEPTH_SIZE
) -> NDArray[np.float16]:
    """Coefficients (V, 16) of the visibility, 0 to 1 in every direction, of each vertex.

    Measured by depth maps of ``depth_size`` pixels from ``num_directions`` sides.
    """
    center = (vertices.min(0) + vertices.max(0)) / 2
    radius = float(np.linalg.norm(vertices - center, axis=1).max())
    away = 40 * radius  # far enough that perspective is as good as parallel
    field = 2 * np.arctan(1.02 * radius / away)
    faces = np.ascontiguousarray(triangles, np.int32)
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    rays = directions(num_directions)
    seen = np.zeros((len(vertices), len(rays)), np.float32)
    for k, ray in enumerate(rays):
        side = np.cross([0.0, 1.0, 0.0] if abs(ray[1]) < 0.9 else [1.0, 0.0, 0.0], ray)
        side /= np.linalg.norm(side)
        rotation = np.stack([side, np.cross(ray, side), ray])  # camera looks against the ray
        points = ((vertices - center) @ rotation.T - [0, 0, away]).astype(np.float32)
        depth = np.full((depth_size, depth_size), away + 2 * radius, np.float32)
        cv2.triangleRasterizeDepth(
            points[None],
            faces[None],
            depth,
            np.eye(4, dtype=np.float32),
            field,
            away - 2 * radius,
            away + 2 * radius,
            settings,
        )
        scale = depth_size / 2 / np.tan(field / 2)
        # the rasterizer puts +y at row 0
        image = depth_size / 2 - 0.5 + scale * points[:, :2] * [1, -1] / -points[:, 2:]
        column, row = np.clip(np.round(image), 0, depth_size - 1).astype(int).T
        seen[:, k] = depth[row, column] > -points[:, 2] - BIAS
    return (seen @ harmonics(rays) * (4 * np.pi / len(rays))).astype(np.float16)
