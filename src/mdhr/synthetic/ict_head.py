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
from mdhr.synthetic.face_units import SIDES
from mdhr.synthetic.head import HeadMesh, HeadModel
from mdhr.synthetic.ict_phenotypes import property_values
from mdhr.synthetic.landmarks import find_landmarks
from mdhr.synthetic.movements import build_movements
from mdhr.synthetic.resting_expression import sample_resting_expression
from mdhr.synthetic.uv_layout import eye_uv, layout_coordinates, mouth_uv, skin_uv, teeth_uv

ASSET = Path(__file__).parent / "assets" / "ict_head.npz"
MODE_SIGMA, MODE_LIMIT = 0.9, 2.0
"""Standard deviation and limit of the weights of identity modes."""
PHENOTYPE_GAIN = 1.6
"""Factor on the directions of sex and age, which the projection onto the modes weakens."""
IRIS_SCALE = 1.25
"""Size of the iris relative to that of :data:`mdhr.synthetic.skin.IRIS_ANGLE`."""
NECK_MARGIN = 0.02
"""Meters above the patches of the texture from which the neck is narrowed."""
EYE_RETREAT = 0.002
"""Meters that the eyeball moves back behind closed lids, which would otherwise intersect its cornea."""
EYE_CENTER = np.asarray([0.0312, 0.0, 0.0], np.float32)
"""Center of rotation of the left eyeball in meters."""
GAZE_ANGLES = {"Out": (0.38, 0.0), "In": (-0.38, 0.0), "Up": (0.0, 0.2), "Down": (0.0, -0.27)}
"""Outward and upward rotation of the eyeballs in radians at weight 1."""
SNEER_FADE = (-0.090, -0.070)
"""Heights in meters between which the nose wrinkler fades out. The scanned expression also moved the chin."""

SIDED = {
    "browInnerUp": {"browInnerUp": 0.85},
    "browOuterUp": {"browOuterUp": 0.6},
    "browDown": {"browDown": 1.3},
    "cheekSquint": {"cheekSquint": 0.65, "cheekRaiser": 0.1},
    "eyeSquint": {"eyeSquint": 1.35},
    "eyeWide": {"eyeWide": 1.0},
    "eyeBlink": {"eyeBlink": 1.12},
    "eyeLookIn": {"eyeLookIn": 0.6},
    "eyeLookOut": {"eyeLookOut": 0.6},
    "eyeLookUp": {"eyeLookUp": 0.5},
    "eyeLookDown": {"eyeLookDown": 0.55},
    "noseSneer": {"noseSneer": 0.55, "mouthUpperUp": -0.2},
    "mouthUpperUp": {"mouthUpperUp": 0.55},
    "mouthLowerDown": {"mouthLowerDown": 0.8},
    "mouthSmile": {"mouthSmile": 1.0},
    "mouthDimple": {"mouthDimple": 1.15},
    "mouthFrown": {"mouthFrown": 1.1},
    "mouthStretch": {"mouthStretch": 1.0},
    "mouthPress": {"mouthPress": 1.2},
}
EQUIVALENTS = {
    unit + side: {f"{shape}_{side[0]}": weight for shape, weight in shapes.items()}
    for unit, shapes in SIDED.items()
    for side in SIDES
} | {
    "jawOpen": {"jawOpen": 0.9},
    "mouthShrugLower": {"mouthShrugLower": 0.65},
    "mouthShrugUpper": {"mouthShrugUpper": 1.0},
    "mouthFunnel": {"mouthFunnel": 1.0},
    "mouthClose": {"mouthClose": 0.9},
    "mouthRollUpper": {"mouthRollUpper": 1.0},
    "mouthRollLower": {"mouthRollLower": 0.6},
    "mouthPucker": {"mouthPucker": 1.0},
    "cheekPuff": {"cheekPuff_L": 1.0, "cheekPuff_R": 1.0},
    "mouthLeft": {"mouthLeft": 0.6},
    "mouthRight": {"mouthRight": 0.6},
}
"""Each face unit as weights of the expression shapes of ICT-FaceKit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IctShapes:
    """Shape variation from the identity modes of ICT-FaceKit.

    Attributes:
        mesh: mean head.
        modes: ``(M, V, 3)`` displacements in meters; weights are about standard normal.
        phenotypes: ``(2, M)`` mode weights of :data:`mdhr.synthetic.ict_phenotypes.PROPERTIES`.
        displacements: ``(V, 3)`` displacements in meters of face units, by name.
        lips: vertices on the inner rim of the upper lip, and their counterparts on the lower lip.
    """

    mesh: HeadMesh
    modes: FloatArray
    phenotypes: FloatArray
    displacements: dict[str, FloatArray]
    lips: tuple[list[int], list[int]]

    def sample(self, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
        """Return vertices ``(V, 3)`` of a neutral head whose sex and age match an appearance."""
        deviation = np.clip(rng.normal(0, MODE_SIGMA, len(self.modes)), -MODE_LIMIT, MODE_LIMIT)
        weights = (deviation + PHENOTYPE_GAIN * property_values(appearance) @ self.phenotypes).astype(np.float32)
        vertices = self.mesh.template + np.tensordot(weights, self.modes, axes=1)
        return vertices - self.parting(vertices) * self.displacements["jawOpen"]

    def parting(self, vertices: FloatArray) -> np.float32:
        """Return the weight of ``jawOpen`` by which the lips of a head ``(V, 3)`` are parted, relative to the template."""
        upper, lower = self.lips
        gap = (vertices - self.mesh.template)[upper, 1] - (vertices - self.mesh.template)[lower, 1]
        drop = self.displacements["jawOpen"][upper, 1] - self.displacements["jawOpen"][lower, 1]
        return np.float32(gap.mean() / drop.mean())

    def sample_resting_expression(self, rng: np.random.Generator) -> FloatArray:
        """Return the displacement ``(V, 3)`` of a slightly asymmetric resting expression."""
        return sample_resting_expression(self.displacements, rng)


def load_ict_head(path: Path = ASSET) -> HeadModel:
    """Return the head model of a baked asset. Raises ``InputError`` if the file does not exist."""
    if not path.is_file():
        raise InputError(f"Head model '{path}' does not exist. Write it with `mdhr bake-head --ict ict_facekit.npz`.")
    step = np.float32(DISPLACEMENT_STEP)
    with np.load(path, allow_pickle=False) as asset:
        mesh = HeadMesh.from_asset(asset)
        shapes = dict(zip(asset["shape_names"].tolist(), asset["shapes"].astype(np.float32) * step, strict=True))
        modes = asset["modes"].astype(np.float32) * step
        phenotypes = asset["phenotypes"]
        frontal = np.concatenate([asset["layout"], mesh.template[:, 2:]], axis=1)
    displacements: dict[str, FloatArray] = {
        unit: np.sum([np.float32(weight) * shapes[name] for name, weight in weights.items()], axis=0)
        for unit, weights in EQUIVALENTS.items()
    }
    for side in SIDES:
        displacements[f"noseSneer{side}"] *= np.interp(mesh.template[:, 1], SNEER_FADE, (0, 1)).astype(np.float32)[
            :, None
        ]
    move_eyeballs(mesh, displacements)
    landmarks = find_landmarks(mesh, frontal, jaw_open=displacements["jawOpen"])
    upper, lower = ([landmarks[f"lip_{lip}_{k}"] for k in range(3)] for lip in ("upper", "lower"))
    return HeadModel(
        mesh=mesh,
        uv=vertex_uv(mesh, frontal),
        layout=layout_coordinates(frontal),
        landmarks=landmarks,
        movements=build_movements(mesh, displacements),
        shapes=IctShapes(
            mesh=mesh, modes=modes, phenotypes=phenotypes, displacements=displacements, lips=(upper, lower)
        ),
        rendered=np.ones(len(mesh.triangles), bool),
    )


def move_eyeballs(mesh: HeadMesh, displacements: dict[str, FloatArray]) -> None:
    """Add the movements of the eyeballs to the displacements of blinks and gaze, which move the lids only."""
    for eye, side, outward in zip(mesh.eyes, SIDES, (1, -1), strict=True):
        displacements[f"eyeBlink{side}"][eye, 2] -= EYE_RETREAT
        x, y, z = (mesh.template[eye] - EYE_CENTER * [outward, 1, 1]).T
        for direction, (right, up) in GAZE_ANGLES.items():
            yaw, pitch = outward * right, up
            turned_x = x * np.cos(yaw) + z * np.sin(yaw)
            turned_y = y * np.cos(pitch) + z * np.sin(pitch)
            turned_z = z * np.cos(yaw) * np.cos(pitch) - x * np.sin(yaw) - y * np.sin(pitch)
            turn = np.stack([turned_x - x, turned_y - y, turned_z - z], axis=1)
            displacements[f"eyeLook{direction}{side}"][eye] += turn


def vertex_uv(mesh: HeadMesh, frontal: FloatArray) -> FloatArray:
    """Return UV coordinates ``(V, 2)`` of all vertices, whose skin is painted at frontal positions ``(V, 3)``."""
    uv = skin_uv(frontal, margin=NECK_MARGIN)
    for eye in mesh.eyes:
        uv[eye] = eye_uv(mesh.template[eye], iris_scale=IRIS_SCALE)
    uv[mesh.teeth] = teeth_uv(mesh.template[mesh.teeth])
    tongue = mesh.part_vertices("tongue")
    uv[tongue] = mouth_uv(len(tongue))
    return uv
