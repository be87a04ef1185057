"""Identity of a rendered face: shape, resting expression, texture, and wrinkles, sampled from one seed."""

from dataclasses import dataclass

import numpy as np

from mdhr.synthetic.appearance import Appearance, sample_appearance
from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.hair import hair_mask
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.skin import paint_texture
from mdhr.synthetic.wrinkles import Wrinkle, make_wrinkles

FACE_HEIGHT = 0.130
"""Meters from brows to chin of every identity. A face detector's crop normalizes the size of a face as well."""
MAX_JAW_WIDTH = 0.138
"""Jaw width in meters above which a face is narrowed, because random shapes would otherwise look box-like."""
TEXTURE_SIZE = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class Identity:
    """Identity, ready to be rendered.

    Attributes:
        seed: seed of the identity.
        appearance: colors, hair, and age.
        neutral: ``(V, 3)`` resting face in meters, scaled to ``FACE_HEIGHT``, with its vertical middle at height 0.
        scale: factor from the head model's meters to the meters of ``neutral``, also for displacements.
        gain: ``(U,)`` displacement of each action unit relative to the head model's, around 1.
        texture: ``(S, S, 3)`` display-referred colors.
        wrinkles: shading layers.
        brightness: mean linear brightness of the skin.
    """

    seed: int
    appearance: Appearance
    neutral: FloatArray
    scale: float
    gain: FloatArray
    texture: Image
    wrinkles: tuple[Wrinkle, ...]
    brightness: float


def make_identity(head: HeadModel, *, seed: int, texture_size: int = TEXTURE_SIZE) -> Identity:
    """Return the identity of a seed. The same head and seed give the same bytes."""
    rng = np.random.default_rng([seed, 7919])
    appearance = sample_appearance(rng)
    vertices = add_hair_volume(head, appearance, head.shapes.sample(appearance, rng))
    vertices = vertices + head.shapes.sample_resting_expression(rng)
    neutral, scale = normalize_size(head, vertices)
    gain = np.exp(rng.normal(0, 0.12, len(AUS)))
    return Identity(
        seed=seed,
        appearance=appearance,
        neutral=neutral.astype(np.float32),
        scale=scale,
        gain=gain.astype(np.float32),
        texture=paint_texture(head, appearance, rng, size=texture_size),
        wrinkles=make_wrinkles(rng, size=texture_size, strength=0.75 + 0.6 * appearance.age),
        brightness=float((appearance.skin_color**2).mean()),
    )


def add_hair_volume(head: HeadModel, appearance: Appearance, vertices: FloatArray) -> FloatArray:
    """Return the vertices ``(V, 3)`` with the scalp moved outward by the hair. Long hair flattens the ears."""
    mesh = head.mesh
    hair = hair_mask(appearance, head.layout[:, 0], head.layout[:, 1], softness=0.010)
    ears = mesh.masks["ears"]
    if appearance.long_hair:
        vertices[:, 0] -= 0.022 * ears * np.sign(vertices[:, 0])
    else:
        hair *= 1 - ears
    eyes = np.concatenate(mesh.eyes)
    hair[np.concatenate([eyes, mesh.teeth, mesh.part_vertices("tongue")])] = 0
    outward = vertices - vertices[eyes].mean(0) + [0, 0, 0.06]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return vertices + (appearance.hair_volume * hair)[:, None] * outward


def normalize_size(head: HeadModel, vertices: FloatArray) -> tuple[FloatArray, float]:
    """Return vertices ``(V, 3)`` with a face height of ``FACE_HEIGHT``, and the scale factor."""
    marks = head.landmarks
    brow = vertices[[marks[f"brow_{k}_{side}"] for k in range(1, 6) for side in ("left", "right")], 1].mean()
    chin = vertices[marks["chin_middle"], 1]
    depth = np.mean([vertices[eye, 2].mean() for eye in head.mesh.eyes])
    scale = FACE_HEIGHT / float(brow - chin)
    neutral = (vertices - [0, (brow + chin) / 2, depth]) * scale
    width = float(np.ptp(neutral[[marks["jaw_1_left"], marks["jaw_1_right"]], 0]))
    neutral[:, 0] *= min(1.0, (MAX_JAW_WIDTH / width) ** 0.75)
    return neutral, scale
