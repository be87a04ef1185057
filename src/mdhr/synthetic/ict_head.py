"""Head model from the ICT-FaceKit of the USC Institute for Creative Technologies (MIT license).

``assets/NOTICE`` documents the origin of the asset, :mod:`mdhr.synthetic.bake_ict_head` writes it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mdhr.errors import InputError
from mdhr.synthetic.anny_head import DISPLACEMENT_STEP
from mdhr.synthetic.appearance import Appearance
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.head import HeadMesh, HeadModel
from mdhr.synthetic.landmarks import find_landmarks
from mdhr.synthetic.movements import build_movements
from mdhr.synthetic.resting_expression import sample_resting_expression
from mdhr.synthetic.uv_layout import eye_uv, layout_coordinates, mouth_uv, skin_uv, teeth_uv

ASSET = Path(__file__).parent / "assets" / "ict_head.npz"
MODE_SIGMA, MODE_LIMIT = 0.9, 2.0
"""Standard deviation and limit of the weights of identity modes."""

SIDED = {
    "browInnerUp": {"browInnerUp": 1.0},
    "browOuterUp": {"browOuterUp": 1.0},
    "browDown": {"browDown": 1.0},
    "cheekSquint": {"cheekSquint": 1.0, "cheekRaiser": 0.6},
    "eyeSquint": {"eyeSquint": 1.0},
    "eyeWide": {"eyeWide": 1.0},
    "eyeBlink": {"eyeBlink": 1.0},
    "eyeLookIn": {"eyeLookIn": 1.0},
    "eyeLookOut": {"eyeLookOut": 1.0},
    "eyeLookUp": {"eyeLookUp": 1.0},
    "eyeLookDown": {"eyeLookDown": 1.0},
    "noseSneer": {"noseSneer": 1.0},
    "mouthUpperUp": {"mouthUpperUp": 1.0},
    "mouthLowerDown": {"mouthLowerDown": 1.0},
    "mouthSmile": {"mouthSmile": 1.0},
    "mouthDimple": {"mouthDimple": 1.0},
    "mouthFrown": {"mouthFrown": 1.0},
    "mouthPress": {"mouthPress": 1.0},
}
EQUIVALENTS = {
    unit + side: {f"{shape}_{side[0]}": weight for shape, weight in shapes.items()}
    for unit, shapes in SIDED.items()
    for side in ("Left", "Right")
} | {
    "jawOpen": {"jawOpen": 1.0},
    "mouthShrugLower": {"mouthShrugLower": 1.0},
    "mouthRollUpper": {"mouthRollUpper": 1.0},
    "mouthRollLower": {"mouthRollLower": 1.0},
    "mouthPucker": {"mouthPucker": 1.0},
    "cheekPuff": {"cheekPuff_L": 1.0, "cheekPuff_R": 1.0},
    "mouthLeft": {"mouthLeft": 1.0},
    "mouthRight": {"mouthRight": 1.0},
}
"""Each face unit as weights of the expression shapes of ICT-FaceKit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IctShapes:
    """Shape variation from the identity modes of ICT-FaceKit.

    Attributes:
        mesh: mean head.
        modes: ``(M, V, 3)`` displacements in meters; weights are about standard normal.
        displacements: ``(V, 3)`` displacements in meters of face units, by name.
    """

    mesh: HeadMesh
    modes: FloatArray
    displacements: dict[str, FloatArray]

    def sample(self, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
        """Return vertices ``(V, 3)`` of a neutral head."""
        weights = np.clip(rng.normal(0, MODE_SIGMA, len(self.modes)), -MODE_LIMIT, MODE_LIMIT).astype(np.float32)
        return self.mesh.template + np.tensordot(weights, self.modes, axes=1)

    def sample_resting_expression(self, rng: np.random.Generator) -> FloatArray:
        """Return the displacement ``(V, 3)`` of a slightly asymmetric resting expression."""
        return sample_resting_expression(self.displacements, rng)


def load_ict_head(path: Path = ASSET) -> HeadModel:
    """Return the head model of a baked asset. Raises ``InputError`` if the file does not exist."""
    if not path.is_file():
        raise InputError(f"Head model '{path}' does not exist. Write it with `mdhr bake-head --ict ict_facekit.npz`.")
    step = np.float32(DISPLACEMENT_STEP)
    with np.load(path, allow_pickle=False) as asset:
        mesh = HeadMesh(
            template=asset["template"],
            triangles=asset["triangles"].astype(np.int32),
            parts=asset["part_names"][asset["parts"]],
            masks={
                str(name): mask.astype(np.float32) / 255
                for name, mask in zip(asset["mask_names"], asset["masks"], strict=True)
            },
            visibility=asset["visibility"].astype(np.float32),
        )
        shapes = dict(zip(asset["shape_names"].tolist(), asset["shapes"].astype(np.float32) * step, strict=True))
        modes = asset["modes"].astype(np.float32) * step
        frontal = np.concatenate([asset["layout"], mesh.template[:, 2:]], axis=1)
    displacements = {
        unit: sum((np.float32(weight) * shapes[name] for name, weight in weights.items()), np.float32(0))
        for unit, weights in EQUIVALENTS.items()
    }
    return HeadModel(
        mesh=mesh,
        uv=vertex_uv(mesh, frontal),
        layout=layout_coordinates(frontal),
        landmarks=find_landmarks(mesh, frontal, jaw_open=displacements["jawOpen"]),
        movements=build_movements(mesh, displacements),
        shapes=IctShapes(mesh=mesh, modes=modes, displacements=displacements),
        rendered=np.ones(len(mesh.triangles), bool),
    )


def vertex_uv(mesh: HeadMesh, frontal: FloatArray) -> FloatArray:
    """Return UV coordinates ``(V, 2)`` of all vertices, whose skin is painted at frontal positions ``(V, 3)``."""
    uv = skin_uv(frontal)
    for eye in mesh.eyes:
        uv[eye] = eye_uv(mesh.template[eye])
    uv[mesh.teeth] = teeth_uv(mesh.template[mesh.teeth])
    tongue = mesh.part_vertices("tongue")
    uv[tongue] = mouth_uv(len(tongue))
    return uv
