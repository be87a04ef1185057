"""Mesh reduction by half-edge collapses, so that the remaining vertices are a subset of the original ones.

Displacements of the remaining vertices therefore stay valid. The cost of a collapse is the sum of the quadric errors in
several poses of the mesh (Garland and Heckbert 1997), so that areas which deform keep their vertices. Vertices on a
boundary only move along the boundary.

Letters: V vertices, K triangles, P poses.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.array_types import FloatArray

EVENNESS = 0.02
"""Weight of squared edge lengths relative to squared distances from planes. It avoids long, thin triangles."""
BOUNDARY = 1.0
"""Weight of squared distances from the boundary, relative to those from the surface."""
MIN_COSINE = 0.3
"""Smallest cosine of the angle by which a collapse may turn a triangle."""


def reduce_mesh(
    poses: FloatArray, triangles: NDArray[np.int64], *, num_triangles: int, importance: FloatArray
) -> NDArray[np.int64]:
    """Return at most ``num_triangles`` triangles that approximate a mesh, if legal collapses reach that number.

    ``poses`` ``(P, V, 3)`` are vertex positions, the first of which also guards against flipped triangles.
    ``importance`` ``(V,)`` scales the errors of vertices.
    """
    return _Reduction(np.asarray(poses, np.float64), triangles, np.asarray(importance, np.float64)).run(num_triangles)


class _Reduction:
    def __init__(self, poses: NDArray, triangles: NDArray[np.int64], importance: NDArray) -> None:
        self.points = np.ascontiguousarray(np.moveaxis(poses, 0, 1))  # V P 3
        self.triangles = {k: tuple(map(int, row)) for k, row in enumerate(triangles)}
        self.around: dict[int, set[int]] = defaultdict(set)  # triangles around each vertex
        for k, corners in self.triangles.items():
            for v in corners:
                self.around[v].add(k)
        edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        _, first, count = np.unique(edges, axis=0, return_index=True, return_counts=True)
        open_edges = first[count == 1]
        self.boundary = set(edges[open_edges].ravel().tolist())
        self._initialize_quadrics(triangles)
        self._add_boundary_planes(edges[open_edges], triangles[open_edges % len(triangles)])
        self.matrix *= importance[:, None, None, None]
        self.linear *= importance[:, None, None]
        self.constant *= importance[:, None]
        self.version: dict[int, int] = defaultdict(int)
        self.heap: list[tuple[float, int, int, int, int]] = []

    def _initialize_quadrics(self, triangles: NDArray[np.int64]) -> None:
        """Set the error ``x A x - 2 b x + c`` of each vertex and pose: planes of its triangles, and its position."""
        number, num_poses = self.points.shape[:2]
        corners = self.points[triangles]  # K 3 P 3
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.linalg.norm(normal, axis=-1, keepdims=True) / 2 + 1e-15
        normal /= 2 * area
        offset = np.einsum("kpc,kpc->kp", normal, corners[:, 0])
        self.matrix = np.zeros((number, num_poses, 3, 3))
        self.linear = np.zeros((number, num_poses, 3))
        self.constant = np.zeros((number, num_poses))
        outer, weight = normal[..., :, None] * normal[..., None, :], area[..., 0]
        for k in range(3):
            np.add.at(self.matrix, triangles[:, k], outer * weight[..., None, None])
            np.add.at(self.linear, triangles[:, k], normal * (offset * weight)[..., None])
            np.add.at(self.constant, triangles[:, k], offset**2 * weight)
        spread = np.zeros((number, num_poses))
        for k in range(3):
            np.add.at(spread, triangles[:, k], weight)
        spread *= EVENNESS
        self.matrix += spread[..., None, None] * np.eye(3)
        self.linear += spread[..., None] * self.points
        self.constant += spread * (self.points**2).sum(-1)

    def _add_boundary_planes(self, edges: NDArray[np.int64], triangles: NDArray[np.int64]) -> None:
        """Add the planes through boundary edges ``(E, 2)`` that are perpendicular to their triangles ``(E, 3)``."""
        corners = self.points[triangles]  # E 3 P 3
        facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        start, end = self.points[edges[:, 0]], self.points[edges[:, 1]]
        normal = np.cross(end - start, facing)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-15
        weight = BOUNDARY * ((end - start) ** 2).sum(-1)
        offset = np.einsum("epc,epc->ep", normal, start)
        for k in range(2):
            np.add.at(self.matrix, edges[:, k], normal[..., :, None] * normal[..., None, :] * weight[..., None, None])
            np.add.at(self.linear, edges[:, k], normal * (offset * weight)[..., None])
            np.add.at(self.constant, edges[:, k], offset**2 * weight)

    def run(self, num_triangles: int) -> NDArray[np.int64]:
        """Collapse the cheapest edges until ``num_triangles`` remain."""
        for v in sorted(self.around):
            self._push(v, self._neighbors(v))
        while len(self.triangles) > num_triangles and self.heap:
            _, source, target, source_version, target_version = heapq.heappop(self.heap)
            current = (self.version[source], self.version[target])
            if current == (source_version, target_version) and self._is_legal(source, target):
                self._collapse(source, target)
        return np.asarray([self.triangles[k] for k in sorted(self.triangles)])

    def _neighbors(self, v: int) -> set[int]:
        return {u for k in self.around[v] for u in self.triangles[k]} - {v}

    def _push(self, source: int, targets: Iterable[int]) -> None:
        """Queue the collapses of a vertex onto its neighbors."""
        order = sorted(targets)
        points = self.points[order]  # N P 3
        matrix = self.matrix[source] + self.matrix[order]
        cost = np.einsum("npi,npij,npj->n", points, matrix, points)
        cost -= 2 * np.einsum("npi,npi->n", self.linear[source] + self.linear[order], points)
        cost += (self.constant[source] + self.constant[order]).sum(1)
        for target, value in zip(order, cost.tolist(), strict=True):
            heapq.heappush(self.heap, (value, source, target, self.version[source], self.version[target]))

    def _is_legal(self, source: int, target: int) -> bool:
        """Return whether a collapse keeps the surface a manifold, its boundary, and the sides of its triangles."""
        shared = self.around[source] & self.around[target]
        if len(self._neighbors(source) & self._neighbors(target)) != len(shared) or not shared:
            return False
        if source in self.boundary and (target not in self.boundary or len(shared) != 1):
            return False
        for k in self.around[source] - shared:
            before = self.triangles[k]
            a, b, c = self.points[list(before), 0]
            old = np.cross(b - a, c - a)
            a, b, c = self.points[[target if v == source else v for v in before], 0]
            new = np.cross(b - a, c - a)
            if old @ new <= MIN_COSINE * np.sqrt((old @ old) * (new @ new)):
                return False
        return True

    def _collapse(self, source: int, target: int) -> None:
        neighbors = self._neighbors(source)
        for k in list(self.around[source]):
            corners = self.triangles[k]
            if target in corners:
                for v in corners:
                    self.around[v].discard(k)
                del self.triangles[k]
            else:
                self.triangles[k] = tuple(target if v == source else v for v in corners)
                self.around[target].add(k)
        del self.around[source]
        self.matrix[target] += self.matrix[source]
        self.linear[target] += self.linear[source]
        self.constant[target] += self.constant[source]
        self.version[source] += 1
        self.version[target] += 1
        for v in sorted(neighbors | self._neighbors(target)):
            if v == target:
                self._push(v, self._neighbors(v))
            elif target in self._neighbors(v):
                self._push(v, [target])
