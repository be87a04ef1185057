"""Mesh reduction: subset of vertices, preserved shape and boundary, deformation, importance."""

import numpy as np
import pytest

from mdhr.synthetic.mesh_reduction import reduce_mesh

EDGE = 17


def grid(height) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and triangles of a square grid in -1 to 1, which faces +z."""
    line = np.linspace(-1, 1, EDGE)
    x, y = (place.ravel() for place in np.meshgrid(line, line, indexing="ij"))
    vertices = np.stack([x, y, height(x, y)], axis=1)
    cells = [(EDGE * i + j, EDGE * (i + 1) + j) for i in range(EDGE - 1) for j in range(EDGE - 1)]
    return vertices, np.array([t for a, b in cells for t in ((a, b, a + 1), (b, b + 1, a + 1))])


def area(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    return np.cross(b - a, c - a) / 2


def flat(x, y):
    return 0 * x


def ridge(x, y):
    return np.maximum(0, 0.5 - np.abs(x))


def test_a_flat_square_keeps_its_area_and_its_side():
    vertices, triangles = grid(flat)
    reduced = reduce_mesh(vertices[None], triangles, num_triangles=100, importance=np.ones(len(vertices)))
    assert 90 <= len(reduced) <= 100
    areas = area(vertices, reduced)
    assert (areas[:, 2] > 0).all()  # no triangle is flipped
    assert areas[:, 2].sum() == pytest.approx(4.0)  # the boundary stays


def test_edges_are_manifold():
    vertices, triangles = grid(ridge)
    reduced = reduce_mesh(vertices[None], triangles, num_triangles=120, importance=np.ones(len(vertices)))
    edges = np.concatenate([reduced[:, [0, 1]], reduced[:, [1, 2]], reduced[:, [2, 0]]])
    assert len(np.unique(edges, axis=0)) == len(edges)  # each direction of an edge belongs to one triangle


def surface(vertices: np.ndarray, triangles: np.ndarray) -> float:
    return float(np.linalg.norm(area(vertices, triangles), axis=1).sum())


def test_the_surface_stays():
    vertices, triangles = grid(ridge)
    reduced = reduce_mesh(vertices[None], triangles, num_triangles=60, importance=np.ones(len(vertices)))
    assert surface(vertices, reduced) == pytest.approx(surface(vertices, triangles), rel=0.01)


def test_every_pose_counts():
    """A flat mesh keeps the vertices that a ridge in its second pose needs."""
    vertices, triangles = grid(flat)
    posed = vertices.copy()
    posed[:, 2] = ridge(vertices[:, 0], vertices[:, 1])
    loss = [
        1
        - surface(posed, reduce_mesh(poses, triangles, num_triangles=60, importance=np.ones(len(vertices))))
        / surface(posed, triangles)
        for poses in (vertices[None], np.stack([vertices, posed]))
    ]
    assert loss[1] < 0.01
    assert loss[0] > 2 * loss[1]


def test_important_vertices_stay():
    vertices, triangles = grid(flat)
    important = vertices[:, 0] > 0.3
    reduced = reduce_mesh(vertices[None], triangles, num_triangles=200, importance=np.where(important, 100.0, 1.0))
    kept = np.isin(np.arange(len(vertices)), reduced)
    assert kept[important].mean() > 2 * kept[~important].mean()


def test_the_result_is_deterministic():
    vertices, triangles = grid(ridge)
    first, second = (
        reduce_mesh(vertices[None], triangles, num_triangles=150, importance=np.ones(len(vertices))) for _ in "ab"
    )
    np.testing.assert_array_equal(first, second)
