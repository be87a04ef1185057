"""Who a face belongs to: shape, resting expression, colors, texture, all from one seed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.appearance import ANCESTRIES, Person, draw_person
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.hair import hair_mask
from mdhr.synthetic.skin import paint
from mdhr.synthetic.uv_layout import flatten
from mdhr.synthetic.wrinkles import Wrinkle, make_wrinkles

if TYPE_CHECKING:
    from mdhr.synthetic.head import HeadModel

Floats = NDArray[np.floating]

SHAPE_SIGMA = 0.2
SHAPE_LIMIT = 0.55
FACE_HEIGHT = 0.130
"""Metres from brow to chin of every face: the crop of a face detector hides true size."""
WIDEST = 0.138
"""Metres between the jaw's hinges from which on a framed face is narrowed: jitter must not make boxes."""

# resting expression: face units (both sides) and how strongly they vary between people
RESTING = {
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Identity:
    """A person ready to be rendered.

    Attributes:
        seed: where it comes from.
        person: looks.
        neutral: (V, 3) resting face, framed: brow to chin is FACE_HEIGHT, its middle at height 0.
        scale: factor from the head model's meters to the framed ones, for displacements.
        gain: (15,) how far each AU moves this face at intensity 1, around 1.
        texture: (S, S, 3) color as displayed.
        wrinkles: shading layers.
        brightness: mean linear brightness of the skin.
    """

    seed: int
    person: Person
    neutral: Floats
    scale: float
    gain: Floats
    texture: NDArray[np.uint8]
    wrinkles: tuple[Wrinkle, ...]
    brightness: float


def phenotype(head: "HeadModel", person: Person) -> Floats:
    """Displacement (V, 3) of ancestry, sex, age and weight: MakeHuman's macro targets, mixed as it mixes them."""
    old = 0.75 * person.age
    sexes = {"female": 1 - person.masculinity, "male": person.masculinity}
    ages = {"young": 1 - old, "old": old}
    weights = {"min": max(-person.weight, 0), "average": 1 - abs(person.weight), "max": max(person.weight, 0)}
    moved = np.zeros_like(head.template)
    for sex, by_sex in sexes.items():
        for age, by_age in ages.items():
            for ancestry, share in zip(ANCESTRIES, person.ancestry, strict=True):
                moved += by_sex * by_age * share * head.displacements[f"{ancestry}-{sex}-{age}"]
            for weight, share in weights.items():
                name = f"universal-{sex}-{age}-averagemuscle-{weight}weight"
                moved += np.float32(by_sex * by_age * share) * head.displacements[name]
    return moved


def local_shape(head: "HeadModel", rng: np.random.Generator) -> Floats:
    """Displacement (V, 3) of the local shape controls, the same on both sides."""
    moved = np.zeros_like(head.template)
    drawn: dict[str, float] = {}
    names = head.shape_names
    for less, more in zip(names[::2], names[1::2], strict=True):
        control = less.removeprefix("l-").removeprefix("r-")
        if control not in drawn:
            drawn[control] = float(np.clip(rng.normal(0, SHAPE_SIGMA), -SHAPE_LIMIT, SHAPE_LIMIT))
        amount = drawn[control]
        moved += np.float32(abs(amount)) * head.displacements[more if amount > 0 else less]
    return moved


def resting_expression(head: "HeadModel", rng: np.random.Generator) -> Floats:
    """Displacement (V, 3) of a face at rest, of the size of a weak AU, with slight asymmetry."""
    moved = np.zeros_like(head.template)
    for unit, sigma in RESTING.items():
        amount = abs(rng.normal(0, sigma))
        for side in ("Left", "Right"):
            name = unit if unit in head.displacements else unit + side
            share = 0.5 if unit in head.displacements else 1.0
            moved += np.float32(min(amount, 2 * sigma) * share * rng.uniform(0.85, 1.15)) * head.displacements[name]
    return moved


def make_identity(head: "HeadModel", *, seed: int, texture_size: int) -> Identity:
    """The person of a seed, see :class:`Identity`."""
    rng = np.random.default_rng([seed, 7919])
    person = draw_person(rng)
    vertices = head.template + phenotype(head, person) + local_shape(head, rng)

    # side teeth would poke through the corners of an open mouth; the upper ones hang low enough to show
    teeth = head.teeth
    center = vertices[teeth].mean(0)
    upper = head.template[teeth, 1] > head.template[teeth, 1].mean()
    vertices[teeth] = center + (vertices[teeth] - center) * [0.76, 0.90, 0.95] - [0, 0, 0.003]
    vertices[teeth, 1] -= 0.002 * upper

    # hair stands off the skull
    at = flatten(head.template)
    hair = hair_mask(person, at[:, 0], at[:, 1], softness=0.010)
    ears = head.masks["ears"]
    if person.long_hair:
        vertices[:, 0] -= 0.022 * ears * np.sign(vertices[:, 0])
    else:
        hair *= 1 - ears
    hair[np.concatenate([*head.eyes, teeth])] = 0
    away = vertices - vertices[np.concatenate(head.eyes)].mean(0) + [0, 0, 0.06]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    vertices = vertices + (person.hair_volume * hair)[:, None] * away
    vertices = vertices + resting_expression(head, rng)

    marks = head.landmarks
    brow = vertices[[marks[f"brow_{k}_{side}"] for k in range(1, 6) for side in ("left", "right")], 1].mean()
    chin = vertices[marks["chin_middle"], 1]
    depth = np.mean([vertices[eye, 2].mean() for eye in head.eyes])
    scale = FACE_HEIGHT / float(brow - chin)
    neutral = (vertices - [0, (brow + chin) / 2, depth]) * scale
    width = float(np.ptp(neutral[[marks["jaw_1_left"], marks["jaw_1_right"]], 0]))
    neutral[:, 0] *= min(1.0, (WIDEST / width) ** 0.75)

    gain = np.exp(rng.normal(0, 0.12, len(AUS)))
    strength = 0.75 + 0.6 * person.age
    texture = paint(head, person, rng, size=texture_size)
    return Identity(
        seed=seed,
        person=person,
        neutral=neutral.astype(np.float32),
        scale=scale,
        gain=gain.astype(np.float32),
        texture=texture,
        wrinkles=make_wrinkles(rng, size=texture_size, strength=strength),
        brightness=float((person.skin**2).mean()),
    )
