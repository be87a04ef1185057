"""Resting expression of an identity: a weak, slightly asymmetric mixture of face units."""

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.face_units import SIDES

RESTING_EXPRESSION = {
    "browInnerUp": 0.22,
    "browOuterUp": 0.22,
    "browDown": 0.25,
    "eyeSquint": 0.25,
    "eyeWide": 0.20,
    "mouthSmile": 0.18,
    "mouthFrown": 0.15,
    "mouthPress": 0.22,
    "mouthShrugLower": 0.15,
    "noseSneer": 0.12,
}
"""Standard deviation between identities of the face units (both sides) of a resting expression."""


def sample_resting_expression(displacements: dict[str, FloatArray], rng: np.random.Generator) -> FloatArray:
    """Return the displacement ``(V, 3)`` of a resting expression as large as a weak action unit.

    ``displacements`` contains ``(V, 3)`` arrays of ARKit-style face units, by name.
    """
    total = np.zeros_like(next(iter(displacements.values())))
    for unit, sigma in RESTING_EXPRESSION.items():
        weight = abs(rng.normal(0, sigma))
        for side in SIDES:
            name = unit if unit in displacements else unit + side
            share = 0.5 if unit in displacements else 1.0
            factor = np.float32(min(weight, 2 * sigma) * share * rng.uniform(0.85, 1.15))
            total += factor * displacements[name]
    return total
