"""Regions of the ICT-FaceKit head: masks for the painters, and importance for the mesh reduction."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.ict_facekit import IctFaceKit

FACE = slice(0, 9409)
"""Vertices of the face, including its front surface up to the ears."""
MOUTH_SOCKET = slice(11248, 13294)
"""Vertices of the inside of lips and cheeks."""
LIP_CONTOUR = (*range(48, 60), 48)
LID_RIMS = ((42, 43, 44, 45, 46, 47, 42), (36, 37, 38, 39, 40, 41, 36))
"""Multi-PIE landmarks of closed contours."""
MAX_LIP_DEPTH = 0.012
"""Meters behind the front of the lips up to which the inside of the lips has their color."""
LIP_EDGE, LID_EDGE = 0.0007, 0.0014
"""Widths in meters of the soft edges of lips and eyelid margins."""
EAR_CENTER, EAR_RADII, EAR_SIDE = (-0.027, -0.082), (0.036, 0.030), 0.068
"""Ellipse of the ear in y and z, and its distance from the midline, in meters."""
TONGUE_SHADE = 0.3
"""Darkness of tongue and gums relative to the inside of the cheeks."""


def contour(model: IctFaceKit, marks: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the vertices of the shortest path along mesh edges through landmarks."""
    triangles = model.triangles[model.parts == "body"]
    a, b = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    length = np.linalg.norm(model.vertices[a] - model.vertices[b], axis=1)
    number = len(model.vertices)
    # the maximum merges the two directions of an edge, which the entries of csr_matrix would add
    graph = csr_matrix((length, (a, b)), (number, number))
    graph = graph.maximum(graph.T)
    path: list[int] = []
    for start, end in zip(model.landmarks[list(marks[:-1])], model.landmarks[list(marks[1:])], strict=True):
        _, previous = dijkstra(graph, indices=start, return_predecessors=True, limit=0.05)
        step, steps = int(end), []
        while step != start:
            step = int(previous[step])
            steps.append(step)
        path += steps[::-1]
    return np.asarray(path)


def part_masks(model: IctFaceKit) -> dict[str, FloatArray]:
    """Return the masks ``(V,)`` of ``HeadMesh.masks``."""
    points = model.vertices
    x, y, z = points.T
    in_face = np.zeros(len(points), bool)
    in_face[FACE] = True
    outline = points[contour(model, LIP_CONTOUR), :2] * 1000  # OpenCV expects float32 polygons: use millimeters
    inside = [cv2.pointPolygonTest(outline[:, None], point, True) for point in (points[:, :2] * 1000).tolist()]
    front = z > np.interp(np.abs(x), *lip_depth(points[contour(model, LIP_CONTOUR)])) - MAX_LIP_DEPTH
    lips = np.clip(np.asarray(inside) / 1000 / LIP_EDGE + 0.5, 0, 1) * (in_face & front)
    rims = cKDTree(np.concatenate([points[contour(model, rim)] for rim in LID_RIMS]))
    eyelids = np.exp(-((rims.query(points)[0] / LID_EDGE) ** 2)) * in_face
    mouth = np.zeros(len(points))
    mouth[MOUTH_SOCKET] = 1
    mouth[np.unique(model.triangles[model.parts == "tongue"])] = TONGUE_SHADE
    ear = np.hypot((y - EAR_CENTER[0]) / EAR_RADII[0], (z - EAR_CENTER[1]) / EAR_RADII[1])
    ears = np.clip((1.15 - ear) / 0.15, 0, 1) * np.clip((np.abs(x) - EAR_SIDE) / 0.004, 0, 1)
    masks = {"lips": lips, "inside-mouth": mouth, "ears": ears, "eyelids": eyelids}
    return {name: mask.astype(np.float32) for name, mask in masks.items()}


def lip_depth(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return distance from the midline and depth of the lip contour, sorted for interpolation."""
    order = np.argsort(np.abs(points[:, 0]))
    return np.abs(points[order, 0]), points[order, 2]


def vertex_importance(model: IctFaceKit) -> FloatArray:
    """Return the importance ``(V,)`` of vertices in the mesh reduction: high at lids and lips, low behind."""
    x, y, z = model.vertices.T
    importance = np.clip((z + 0.09) / 0.08, 0.05, 1) * np.where(y < -0.12, 0.1, 1)
    masks = part_masks(model)
    near_eyes = np.exp(-(((np.abs(x) - 0.031) / 0.018) ** 2) - (y / 0.012) ** 2)
    near_mouth = np.exp(-((x / 0.030) ** 2) - ((y + 0.069) / 0.016) ** 2) * (z > 0)
    importance *= 1 + 6 * near_eyes + 3 * near_mouth + 10 * masks["eyelids"]
    importance *= 1 + 2 * masks["lips"] + 12 * masks["lips"] * (1 - masks["lips"])
    importance[MOUTH_SOCKET] *= 0.1
    return importance.astype(np.float32)
