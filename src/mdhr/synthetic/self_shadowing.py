"""Soft self-shadowing: visibility of each vertex as spherical harmonics.

Rendering shadows in every frame would cost as much as the frame itself. The occluders of a face (nose, brow ridge,
lower lip, chin) hardly change with identity or expression. Therefore the visibility of every template vertex is
measured once from many directions and stored as real spherical harmonics up to degree 3. Source: the visibility term of
precomputed radiance transfer (Sloan, Kautz and Snyder 2002).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.array_types import FloatArray

NUM_DIRECTIONS = 400
DEPTH_MAP_SIZE = 768
BIAS = 0.003
"""Meters by which an occluder must be closer to the camera than the vertex."""
CONSTANT_HARMONIC = 0.282095
"""Value of the spherical harmonic of degree 0."""


def spherical_harmonics(direction: NDArray) -> FloatArray:
    """Return the real spherical harmonics ``(..., 16)`` of degree 0 to 3 of unit directions ``(..., 3)``."""
    x, y, z = np.moveaxis(np.asarray(direction, np.float64), -1, 0)
    basis = [
        CONSTANT_HARMONIC * np.ones_like(x),
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


def sphere_directions(number: int) -> NDArray:
    """Return unit vectors ``(number, 3)`` spread evenly over the sphere (Fibonacci spiral)."""
    k = np.arange(number) + 0.5
    z = 1 - 2 * k / number
    angle = np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=-1)


def measure_visibility(
    vertices: FloatArray,
    triangles: NDArray,
    *,
    num_directions: int = NUM_DIRECTIONS,
    depth_map_size: int = DEPTH_MAP_SIZE,
) -> NDArray[np.float16]:
    """Return the harmonic coefficients ``(V, 16)`` of each vertex's visibility, which is 0 or 1 in every direction.

    Visibility is measured with depth maps of ``depth_map_size`` pixels from ``num_directions`` directions.
    """
    center = (vertices.min(0) + vertices.max(0)) / 2
    radius = float(np.linalg.norm(vertices - center, axis=1).max())
    camera_distance = 40 * radius  # approximates a parallel projection
    field = 2 * np.arctan(1.02 * radius / camera_distance)
    faces = np.ascontiguousarray(triangles, np.int32)
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    directions = sphere_directions(num_directions)
    visible = np.zeros((len(vertices), len(directions)), np.float32)
    for k, direction in enumerate(directions):
        side = np.cross([0.0, 1.0, 0.0] if abs(direction[1]) < 0.9 else [1.0, 0.0, 0.0], direction)
        side /= np.linalg.norm(side)
        rotation = np.stack([side, np.cross(direction, side), direction])  # the camera faces against the direction
        points = ((vertices - center) @ rotation.T - [0, 0, camera_distance]).astype(np.float32)
        depth = np.full((depth_map_size, depth_map_size), camera_distance + 2 * radius, np.float32)
        cv2.triangleRasterizeDepth(
            points[None],
            faces[None],
            depth,
            np.eye(4, dtype=np.float32),
            field,
            camera_distance - 2 * radius,
            camera_distance + 2 * radius,
            settings,
        )
        scale = depth_map_size / 2 / np.tan(field / 2)
        # the rasterizer puts +y at row 0
        image = depth_map_size / 2 - 0.5 + scale * points[:, :2] * [1, -1] / -points[:, 2:]
        column, row = np.clip(np.round(image), 0, depth_map_size - 1).astype(int).T
        visible[:, k] = depth[row, column] > -points[:, 2] - BIAS
    return (visible @ spherical_harmonics(directions) * (4 * np.pi / len(directions))).astype(np.float16)
