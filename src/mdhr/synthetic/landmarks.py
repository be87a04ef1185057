"""Landmarks of a head: vertices with an anatomical meaning, regression targets of the pretraining.

They are found once on the template, from the position and movement of vertices, so that no list of vertex indices has
to be maintained. Names end in ``_left`` or ``_right`` (of the subject) if a landmark exists on both sides.
"""

import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.head import HeadMesh

# Frontal positions (x, y) on the left side of the template in meters; the right side is mirrored.
PAIRED = {
    "brow_1": (0.0125, 0.0165),
    "brow_2": (0.0215, 0.0205),
    "brow_3": (0.0310, 0.0228),
    "brow_4": (0.0405, 0.0215),
    "brow_5": (0.0490, 0.0165),
    "forehead": (0.0250, 0.0450),
    "cheek_inner": (0.0260, -0.0270),
    "cheek_outer": (0.0450, -0.0300),
    "fold": (0.0260, -0.0480),
    "jaw_1": (0.0640, -0.0350),
    "jaw_2": (0.0600, -0.0600),
    "jaw_3": (0.0480, -0.0850),
    "jaw_4": (0.0280, -0.1020),
}
MIDLINE = {
    "forehead": (0.0, 0.0400),
    "nasion": (0.0, 0.0050),
    "bridge_1": (0.0, -0.0080),
    "bridge_2": (0.0, -0.0200),
    "philtrum": (0.0, -0.0530),
    "chin_boss": (0.0, -0.0900),
}
CHIN = (0.0, -0.1123)


def _nearest(points: FloatArray, target: tuple[float, float], allowed: NDArray[np.bool_]) -> int:
    """Return the allowed vertex whose frontal projection is nearest to the target."""
    distance = np.hypot(points[:, 0] - target[0], points[:, 1] - target[1])
    return int(np.where(allowed, distance, np.inf).argmin())


def _on_ray(points: FloatArray, center: FloatArray, angle: float, allowed: NDArray[np.bool_], *, sign: float) -> int:
    """Return the allowed vertex farthest from (sign 1) or nearest to (sign -1) the center, in a sector at an angle."""
    ray = points[:, :2] - center[:2]
    length = np.hypot(ray[:, 0], ray[:, 1])
    deviation = np.abs((np.arctan2(ray[:, 1], ray[:, 0]) - angle + np.pi) % (2 * np.pi) - np.pi)
    score = sign * length - 0.02 * deviation
    return int(np.where(allowed & (deviation < 0.35), score, -np.inf).argmax())


def find_landmarks(mesh: HeadMesh, frontal: FloatArray, *, jaw_open: FloatArray) -> dict[str, int]:
    """Return the vertex index of each landmark by name.

    ``frontal`` ``(V, 3)`` contains the vertices, warped so that a frontal view shows every feature at its place in the
    texture layout. ``jaw_open`` is the displacement ``(V, 3)`` of opening the jaw; it separates the lower lip from the
    upper lip.
    """
    points, front = frontal, mesh.front
    marks = {f"{name}_middle": _nearest(points, place, front) for name, place in MIDLINE.items()}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        half = front & (points[:, 0] * sign > 0)
        for name, (x, y) in PAIRED.items():
            marks[f"{name}_{side}"] = _nearest(points, (sign * x, y), half)

    # eyelids: rim of the opening around each eye
    for side, sign, eye in (("left", 1.0, mesh.eyes[0]), ("right", -1.0, mesh.eyes[1])):
        center = points[eye].mean(0)
        rim = front & (mesh.masks["eyelids"] > 0.35) & (points[:, 0] * sign > 0)
        for k in range(8):  # 0 outer corner, 2 top, 4 inner corner, 6 bottom
            turn = k * np.pi / 4
            angle = float(np.arctan2(0.55 * np.sin(turn), sign * np.cos(turn)))
            marks[f"lid_{k}_{side}"] = _on_ray(points, center, angle, rim, sign=-1.0)
        marks[f"iris_{side}"] = int(eye[points[eye, 2].argmax()])

    # nose: the tip is the frontmost point
    nose = front & (np.abs(points[:, 0]) < 0.024) & (points[:, 1] < -0.02) & (points[:, 1] > -0.045)
    tip = int(np.where(nose, points[:, 2], -np.inf).argmax())
    marks["nose_tip_middle"] = tip
    low = float(points[tip, 1])
    marks["nose_base_middle"] = _nearest(points, (0.0, low - 0.010), front)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        marks[f"nose_wing_{side}"] = _nearest(points, (sign * 0.017, low - 0.003), front)
        marks[f"nostril_{side}"] = _nearest(points, (sign * 0.008, low - 0.008), front)

    # lips: the outer rim by direction, the inner rim where the lip that follows the jaw meets the other one
    lips = (mesh.masks["lips"] > 0.5) & front
    middle = (points[lips].min(0) + points[lips].max(0)) / 2
    left = {}
    for k in (3, 2, 1, 0, 11, 10, 9):  # 0 left corner, 3 top, 9 bottom; the right side is the mirror image
        turn = k * np.pi / 6
        angle = float(np.arctan2(0.45 * np.sin(turn), np.cos(turn)))
        left[k] = _on_ray(points, middle, angle, lips, sign=1.0)
    corner = int(np.where(lips, points[:, 0], -np.inf).argmax())
    for k, index in (left | {0: corner}).items():
        marks[f"lip_outer_{k}"] = index
        x, y = points[index, :2]
        marks[f"lip_outer_{(6 - k) % 12}"] = index if k in (3, 9) else _nearest(points, (-x, y), lips)
    drop = -jaw_open[:, 1]
    follows = drop > 0.5 * drop[lips].max()
    for k, x in enumerate((0.013, 0.0, -0.013)):
        column = lips & (np.abs(points[:, 0] - x) < 0.004)
        marks[f"lip_upper_{k}"] = int(np.where(column & ~follows, points[:, 1], np.inf).argmin())
        marks[f"lip_lower_{k}"] = int(np.where(column & follows, points[:, 1], -np.inf).argmax())

    marks["chin_middle"] = _nearest(points, CHIN, front)
    return marks
