"""Vertex displacements of action units and of the other movements of a face."""

from collections.abc import Iterator

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.face_units import AUS, FACE_UNITS, GENERAL_FACE_UNITS, MOUTH_MOVEMENTS, SIDES
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


NUM_BENCH = len(AUS) * len(SIDES) + len(EXTRA_MOVEMENTS)
BENCH_ROWS = slice(0, NUM_BENCH)
"""Rows of the bench style: left and right half of each action unit, then ``EXTRA_MOVEMENTS``."""
GENERAL_ROWS = slice(NUM_BENCH, 2 * NUM_BENCH + len(MOUTH_MOVEMENTS))
"""Rows of the general style: the same with the weights of ``GENERAL_FACE_UNITS``, then ``MOUTH_MOVEMENTS``."""


def build_movements(mesh: HeadMesh, displacements: dict[str, FloatArray]) -> FloatArray:
    """Return movements ``(W, V * 3)`` in meters: ``BENCH_ROWS``, then ``GENERAL_ROWS``.

    ``displacements`` contains ``(V, 3)`` arrays of ARKit-style face units, by name. The tongue is optional.
    """
    d = displacements
    extra = [
        d["eyeBlinkLeft"] + d["eyeBlinkRight"],
        GAZE_GAIN * (d["eyeLookOutLeft"] + d["eyeLookInRight"]),
        GAZE_GAIN * (d["eyeLookInLeft"] + d["eyeLookOutRight"]),
        GAZE_GAIN * (d["eyeLookUpLeft"] + d["eyeLookUpRight"]),
        GAZE_GAIN * (d["eyeLookDownLeft"] + d["eyeLookDownRight"]),
        d["cheekPuff"],
        d["mouthLeft"],
        d["mouthRight"],
    ]
    with_tongue = {"tongueOut": np.zeros_like(mesh.template)} | d
    mouth = [sum(_halves(mesh, with_tongue, units)) for units in MOUTH_MOVEMENTS.values()]
    rows = [
        *_action_unit_rows(mesh, d, FACE_UNITS),
        *extra,
        *_action_unit_rows(mesh, d, GENERAL_FACE_UNITS),
        *extra,
        *mouth,
    ]
    return np.stack(rows).reshape(len(rows), -1).astype(np.float32)


def _action_unit_rows(
    mesh: HeadMesh, displacements: dict[str, FloatArray], face_units: dict[int, dict[str, float]]
) -> Iterator[FloatArray]:
    """Yield the displacement ``(V, 3)`` of the left and the right half of every action unit."""
    for au in AUS:
        for row, eye in zip(_halves(mesh, displacements, face_units[au]), mesh.eyes, strict=True):
            if au in LID_TIGHTENERS:
                row[eye, 2] -= EYE_RETREAT
            yield row


def _halves(mesh: HeadMesh, displacements: dict[str, FloatArray], weights: dict[str, float]) -> list[FloatArray]:
    """Return the weighted sum ``(V, 3)`` of face units for the left and the right side."""
    units = [(weight, split_sides(mesh, displacements, unit)) for unit, weight in weights.items()]
    zero = np.zeros_like(mesh.template)
    return [sum((weight * halves[side] for weight, halves in units), start=zero) for side in range(len(SIDES))]


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
