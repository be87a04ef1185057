"""The head model: a mesh whose shape moves by identity and by face units. Needs numpy only.

Axes: x towards the person's left (the image's right), y up, z to the front; meters; the origin lies between the eye
balls of the template. The asset and where it comes from: ``assets/NOTICE`` and :mod:`mdhr.synthetic.bake_head`.

Letters: V vertices, T triangles, W movements.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mdhr.errors import InputError
from mdhr.synthetic.face_units import AUS, FACE_UNITS, SIDES
from mdhr.synthetic.landmarks import find_landmarks
from mdhr.synthetic.self_shadowing import harmonics
from mdhr.synthetic.uv_layout import body_chart, eye_chart, teeth_chart

if TYPE_CHECKING:
    from mdhr.synthetic.identity import Identity

Floats = NDArray[np.floating]

ASSET = Path(__file__).parent / "assets" / "head.npz"
STEP = 1e-5
"""Metres in one unit of a stored displacement."""

SEAM = 0.012
"""Metres on either side of the middle over which a movement without sides passes from left to right."""

EXTRAS = ("blink", "look_left", "look_right", "look_up", "look_down", "cheek_puff", "mouth_left", "mouth_right")
"""Movements beside the action units, after them in the rows of ``movements``."""

GAZE_GAIN = 0.75
EYE_RETREAT = 0.0012
"""Metres that the eye ball draws back at intensity 1 of a unit that squeezes the lids."""
WHOLE = ("jawOpen",)
"""Face units that one side cannot do alone: both sides get the mean."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadModel:
    """Template, displacements and masks of the head.

    Attributes:
        template: (V, 3) mean head.
        triangles: (T, 3) vertex indices, anticlockwise seen from outside.
        parts: (T,) kind of each triangle: body, eyes or teeth.
        displacements: name -> (V, 3) of face units, local shapes and phenotypes.
        shape_names: names of the local shapes.
        masks: name -> (V,) weight 0 to 1 of lips, inside-mouth, ears, eyelids.
        visibility: (V, 16) spherical harmonics of the free directions, see :mod:`mdhr.synthetic.self_shadowing`.
    """

    template: Floats
    triangles: NDArray[np.int32]
    parts: NDArray[np.str_]
    displacements: dict[str, Floats]
    shape_names: tuple[str, ...]
    masks: dict[str, Floats]
    visibility: Floats

    @classmethod
    def load(cls, path: Path = ASSET) -> Self:
        """Read the baked asset. Raises InputError if it is absent."""
        if not path.is_file():
            raise InputError(f"head model not found: {path}; bake it with `mdhr bake-head --wheel ...`")
        with np.load(path, allow_pickle=False) as asset:
            displacements = {
                str(name): rows.astype(np.float32) * np.float32(STEP)
                for kind in ("unit", "shape", "phenotype")
                for name, rows in zip(asset[f"{kind}_names"], asset[f"{kind}s"], strict=True)
            }
            return cls(
                template=asset["template"],
                triangles=asset["triangles"].astype(np.int32),
                parts=asset["part_names"][asset["parts"]],
                displacements=displacements,
                shape_names=tuple(str(name) for name in asset["shape_names"]),
                masks={
                    str(name): mask.astype(np.float32) / 255
                    for name, mask in zip(asset["mask_names"], asset["masks"], strict=True)
                },
                visibility=asset["visibility"].astype(np.float32),
            )

    def identity(self, seed: int, *, texture_size: int = 512) -> "Identity":
        """The person of a seed: the same seed gives the same bytes."""
        from mdhr.synthetic.identity import make_identity

        return make_identity(self, seed=seed, texture_size=texture_size)

    def vertices_of(self, part: str) -> NDArray[np.int64]:
        """Indices of the vertices of a part."""
        return np.unique(self.triangles[self.parts == part])

    @cached_property
    def eyes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Vertices of the left and the right eye ball."""
        eyes = self.vertices_of("eyes")
        left = self.template[eyes, 0] > 0
        return eyes[left], eyes[~left]

    @cached_property
    def teeth(self) -> NDArray[np.int64]:
        """Vertices of both rows of teeth."""
        return self.vertices_of("teeth")

    @cached_property
    def openness(self) -> Floats:
        """(V,) ambient occlusion: share of the front hemisphere that a vertex sees, about 0 to 1."""
        return np.clip(self.visibility[:, 0] * 0.282095 * 2, 0, 1)

    @cached_property
    def in_front(self) -> NDArray[np.bool_]:
        """(V,) vertices of the body that a camera in front of the template sees."""
        seen = self.visibility @ harmonics(np.asarray([0.0, 0.0, 1.0])) > 0.6
        body = np.zeros(len(self.template), bool)
        body[self.vertices_of("body")] = True
        return seen & body & (self.masks["inside-mouth"] < 0.5)

    @cached_property
    def landmarks(self) -> dict[str, int]:
        """Semantic vertices, see :mod:`mdhr.synthetic.landmarks`."""
        return find_landmarks(self)

    @cached_property
    def uv(self) -> Floats:
        """(V, 2) place of each vertex in the texture, 0 to 1 to the right and down."""
        uv = body_chart(self.template)
        for eye in self.eyes:
            uv[eye] = eye_chart(self.template[eye])
        uv[self.teeth] = teeth_chart(self.template[self.teeth])
        return uv

    def _sided(self, unit: str) -> tuple[Floats, Floats]:
        """Displacements (V, 3) of the left and the right half of a face unit."""
        if unit + "Left" in self.displacements and not unit.startswith("mouthLeft"):
            left, right = (self.displacements[unit + side] for side in SIDES)
            return left, right
        whole = self.displacements[unit]
        if unit in WHOLE:
            return whole / 2, whole / 2
        ramp = np.clip(self.template[:, :1] / (2 * SEAM) + 0.5, 0, 1)
        on_left = ramp * ramp * (3 - 2 * ramp)
        return whole * on_left, whole * (1 - on_left)

    @cached_property
    def movements(self) -> Floats:
        """(W, V * 3) displacement of each AU's left and right half, in the order of ``AUS``, then of ``EXTRAS``."""
        rows = []
        for au in AUS:
            parts = [(weight, self._sided(unit)) for unit, weight in FACE_UNITS[au].items()]
            for side, eye in enumerate(self.eyes):
                row: Floats = sum((weight * sided[side] for weight, sided in parts), start=np.zeros_like(self.template))
                if au in (6, 7):  # the lids pass in front of the eye ball, which a bag under the eye may not hide
                    row[eye, 2] -= EYE_RETREAT
                rows.append(row)
        d = self.displacements
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
