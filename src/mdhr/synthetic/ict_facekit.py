"""Complete head model of ICT-FaceKit, read from a file of its arrays.

The file uses the units of ICT-FaceKit: centimeters, y up, z to the front.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdhr.errors import InputError
from mdhr.synthetic.array_types import FloatArray

METERS_PER_UNIT = 0.01
NUM_MODES = 40
"""Identity modes that are kept, in the order of their variance."""

MATERIALS = {
    "body": ("M_Face", "M_BackHead"),
    "eyes": ("M_ScleraLeft", "M_ScleraRight"),
    "teeth": ("M_Teeth",),
    "tongue": ("M_GumsTongue",),
}
"""Materials of each part."""
EYE_SOCKETS = range(13294, 14062)
"""Vertices of the eye sockets, which share a material with the back of the head."""
RELAXED = {"eyeBlink": 0.1, "jawOpen": -0.014}
"""Weights of expressions in the template. The original's eyes are wide open, and its lips do not touch."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IctFaceKit:
    """Complete model in meters, with the origin between the eyeballs.

    Attributes:
        vertices: ``(V, 3)``.
        triangles: ``(K, 3)``.
        parts: ``(K,)`` part of each triangle; empty for materials that are not rendered.
        modes: ``(M, V, 3)`` displacements of the identity modes at weight 1.
        expressions: ``(V, 3)`` displacements at weight 1, by name.
        landmarks: ``(68,)`` vertices of the Multi-PIE landmarks.
    """

    vertices: FloatArray
    triangles: NDArray[np.int64]
    parts: np.ndarray
    modes: FloatArray
    expressions: dict[str, FloatArray]
    landmarks: NDArray[np.int64]


def mixture(expressions: dict[str, FloatArray], weights: dict[str, float]) -> FloatArray:
    """Return the displacement ``(V, 3)`` of weighted expressions, with both sides of each."""
    total = np.zeros_like(next(iter(expressions.values())))
    for name, weight in weights.items():
        for side in [name] if name in expressions else [f"{name}_L", f"{name}_R"]:
            total += np.float32(weight) * expressions[side]
    return total


def read_ict_facekit(source: Path) -> IctFaceKit:
    """Return the model of a file. Raises ``InputError`` if the file does not exist or lacks an array."""
    if not source.is_file():
        raise InputError(f"ICT-FaceKit file '{source}' does not exist. docs/data.md describes its arrays.")
    with np.load(source, allow_pickle=False) as arrays:
        wanted = ("vertices", "triangles", "material", "material_names", "identity", "expression", "expression_names")
        missing = [name for name in (*wanted, "landmarks_68") if name not in arrays.files]
        if missing:
            raise InputError(f"{source}: array '{missing[0]}' is missing. docs/data.md describes the expected arrays.")
        vertices, triangles = arrays["vertices"].astype(np.float64), arrays["triangles"].astype(np.int64)
        material = arrays["material_names"][arrays["material"]]
        part_of = {name: part for part, names in MATERIALS.items() for name in names}
        parts = np.asarray([part_of.get(str(name), "") for name in material])
        parts[np.isin(triangles, EYE_SOCKETS).any(1)] = ""
        eyes = vertices[np.unique(triangles[parts == "eyes"])]
        names, shapes = arrays["expression_names"].tolist(), arrays["expression"].astype(np.float32) * METERS_PER_UNIT
        expressions = dict(zip(names, shapes, strict=True))
        vertices = ((vertices - (eyes.min(0) + eyes.max(0)) / 2) * METERS_PER_UNIT).astype(np.float32)
        return IctFaceKit(
            vertices=vertices + mixture(expressions, RELAXED),
            triangles=triangles,
            parts=parts,
            modes=arrays["identity"][:NUM_MODES].astype(np.float32) * METERS_PER_UNIT,
            expressions=expressions,
            landmarks=arrays["landmarks_68"].astype(np.int64),
        )
