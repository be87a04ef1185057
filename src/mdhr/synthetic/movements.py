"""Vertex displacements of action units and of the other movements of a face."""

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.face_units import AUS, FACE_UNITS, SIDES
from mdhr.synthetic.head import HeadMesh

EXTRA_MOVEMENTS = (
    "blink",
    "look_left",
    "look_right",
    "look_up",
    "look_down",
    "cheek_puff",
    "mouth_left",
    "mouth_right",
)
"""Movements that are not action units, in the order of their rows after those of ``AUS``."""

SEAM = 0.012
"""Meters on either side of the midline over which a movement without sides blends from left to right."""
GAZE_GAIN = 0.75
LID_TIGHTENERS = (6, 7)
EYE_RETREAT = 0.0012
"""Meters that the eyeball moves back at intensity 1 of a lid tightener. Otherwise it intersects the raised lid."""
UNSPLIT_UNITS = ("jawOpen",)
"""Face units that cannot act on one side: each side contributes half."""


def build_movements(mesh: HeadMesh, displacements: dict[str, FloatArray]) -> FloatArray:
    """Return movements ``(W, V * 3)`` in meters: left and right half of each action unit, then the extra movements.

    ``displacements`` contains ``(V, 3)`` arrays of ARKit-style face units, by name.
    """
    rows = []
    for au in AUS:
        units = [(weight, split_sides(mesh, displacements, unit)) for unit, weight in FACE_UNITS[au].items()]
        for side, eye in enumerate(mesh.eyes):
            row: FloatArray = sum(
                (weight * halves[side] for weight, halves in units), start=np.zeros_like(mesh.template)
            )
            if au in LID_TIGHTENERS:
                row[eye, 2] -= EYE_RETREAT
            rows.append(row)
    d = displacements
    rows += [
        d["eyeBlinkLeft"] + d["eyeBlinkRight"],
        GAZE_GAIN * (d["eyeLookOutLeft"] + d["eyeLookInRight"]),
        GAZE_GAIN * (d["eyeLookInLeft"] + d["eyeLookOutRight"]),
        GAZE_GAIN * (d["eyeLookUpLeft"] + d["eyeLookUpRight"]),
        GAZE_GAIN * (d["eyeLookDownLeft"] + d["eyeLookDownRight"]),
        d["cheekPuff"],
        d["mouthLeft"],
        d["mouthRight"],
    ]
    return np.stack(rows).reshape(len(rows), -1).astype(np.float32)


def split_sides(mesh: HeadMesh, displacements: dict[str, FloatArray], unit: str) -> tuple[FloatArray, FloatArray]:
    """Return the displacements ``(V, 3)`` of the left and the right half of a face unit."""
    if unit + "Left" in displacements:
        left, right = (displacements[unit + side] for side in SIDES)
        return left, right
    both = displacements[unit]
    if unit in UNSPLIT_UNITS:
        return both / 2, both / 2
    ramp = np.clip(mesh.template[:, :1] / (2 * SEAM) + 0.5, 0, 1)
    on_left = ramp * ramp * (3 - 2 * ramp)
    return both * on_left, both * (1 - on_left)
