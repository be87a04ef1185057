"""Warp of another head's frontal view to the texture layout, which is the frontal view of the first head.

Corresponding points are landmarks of both heads and the width of the face. A thin-plate spline interpolates between
them, so that painted brows, lips, and wrinkles appear where the other head has them.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.head import HeadModel

# Multi-PIE landmarks of the left side, and landmarks of the reference
UPPER_LID = (42, 43, 44, 45), ("lid_4_left", "lid_3_left", "lid_2_left", "lid_1_left", "lid_0_left")
LOWER_LID = (42, 47, 46, 45), ("lid_4_left", "lid_5_left", "lid_6_left", "lid_7_left", "lid_0_left")
UPPER_LIP = (51, 52, 53, 54), ("lip_outer_3", "lip_outer_2", "lip_outer_1", "lip_outer_0")
LOWER_LIP = (57, 56, 55, 54), ("lip_outer_9", "lip_outer_10", "lip_outer_11", "lip_outer_0")
CURVES = (
    (UPPER_LID, (0, 0.25, 0.5, 0.75, 1)),
    (LOWER_LID, (0.25, 0.5, 0.75)),
    (UPPER_LIP, (0, 0.3, 0.6, 1)),
    (LOWER_LIP, (0, 0.3, 0.6)),
)
"""Corresponding curves, and the fractions of their length at which points correspond."""
POINTS = ((27, "nasion_middle"), (33, "nose_base_middle"), (62, "lip_upper_1"), (8, "chin_middle"))
BROW = (22, 23, 24, 25, 26)
BROW_HEIGHT = 0.003
"""Meters by which the Multi-PIE landmarks lie above the middle of the brow."""
REFERENCE_BROW = ((0.0125, 0.0165), (0.0215, 0.0205), (0.0310, 0.0228), (0.0405, 0.0215), (0.0490, 0.0165))
BROW_ENDS = (0.0125, 0.0525)
"""Distance from the midline of the ends of the brow that corresponds to the reference's, in meters."""
OUTLINE = (0.06, 0.04, 0.02, 0.0, -0.03, -0.06, -0.08)
"""Heights in meters at which the widths of the faces correspond."""
FIXED = ((0.0, 0.06), (0.0, 0.10), (0.05, 0.10), (0.0, -0.15), (0.05, -0.15), (0.0165, -0.040))
"""Points in meters that do not move: scalp, neck, and the wing of the nose."""
SMOOTHING = 1e-7


def along(curve: FloatArray, fractions: tuple[float, ...]) -> FloatArray:
    """Return points ``(N, 2)`` at fractions of the length of a polyline ``(M, 2)``."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    return np.stack([np.interp(fractions, length / length[-1], curve[:, k]) for k in (0, 1)], axis=-1)


def half_width(points: FloatArray, height: float) -> float:
    """Return the half width of a face in meters at a height, without the ears."""
    return float(points[(np.abs(points[:, 1] - height) < 0.004) & (points[:, 2] > -0.045), 0].max())


def corresponding_points(
    vertices: FloatArray, multi_pie: NDArray[np.int64], reference: HeadModel
) -> tuple[FloatArray, FloatArray]:
    """Return points of the left half of a head's frontal view, and of the reference, each ``(N, 2)`` in meters."""
    marks, template = vertices[multi_pie][:, :2], reference.mesh.template
    target_marks = {name: template[vertex, :2] for name, vertex in reference.landmarks.items()}
    source, target = [], []
    for (numbers, names), fractions in CURVES:
        source.append(along(marks[list(numbers)], fractions))
        target.append(along(np.stack([target_marks[name] for name in names]), fractions))
    for number, name in POINTS:
        source.append(marks[[number]])
        target.append(target_marks[name][None])
    x = np.linspace(*BROW_ENDS, len(BROW))
    source.append(np.stack([x, np.interp(x, *marks[list(BROW)].T) - BROW_HEIGHT], axis=1))
    target.append(np.asarray(REFERENCE_BROW))
    for points, positions in ((vertices, source), (template, target)):
        positions.append(np.asarray([(half_width(points, height), height) for height in OUTLINE]))
        positions.append(np.asarray(FIXED))
    return np.concatenate(source), np.concatenate(target)


def warp_to_layout(
    points: FloatArray, vertices: FloatArray, multi_pie: NDArray[np.int64], *, reference: HeadModel
) -> FloatArray:
    """Return the frontal positions ``(N, 2)`` in the reference's view of points ``(N, 3)`` of a head.

    ``vertices`` ``(V, 3)`` is the head, ``multi_pie`` ``(68,)`` contains its landmark vertices. Both heads must be in
    the frame of :mod:`mdhr.synthetic.head`.
    """
    source, target = corresponding_points(vertices, multi_pie, reference)
    source, target = (np.where(np.abs(p) < [[5e-4, 0]], [0, 1] * p, p) for p in (source, target))
    off_middle = source[:, 0] > 0
    mirror = np.asarray([-1, 1])
    source, target = (np.concatenate([p, p[off_middle] * mirror]) for p in (source, target))
    spline = RBFInterpolator(source, target, kernel="thin_plate_spline", smoothing=SMOOTHING)
    return spline(points[:, :2]).astype(np.float32)
