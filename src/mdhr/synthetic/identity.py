"""Who a face belongs to: shape, resting expression, colours, texture, all from one seed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.chart import flatten
from mdhr.synthetic.hair import hair_mask
from mdhr.synthetic.skin import IRIS, paint
from mdhr.synthetic.units import AUS
from mdhr.synthetic.wrinkles import Wrinkle, make_wrinkles

if TYPE_CHECKING:
    from mdhr.synthetic.head import HeadModel

Floats = NDArray[np.float32]

ANCESTRIES = ("african", "asian", "caucasian")
SHAPE_SIGMA = 0.2
SHAPE_LIMIT = 0.55
FACE_HEIGHT = 0.130
"""Metres from brow to chin of every face: the crop of a face detector hides true size."""

# displayed colours from the lightest to the darkest skin
SKIN = np.asarray(
    [
        [0.93, 0.78, 0.70],
        [0.89, 0.71, 0.61],
        [0.82, 0.63, 0.51],
        [0.70, 0.50, 0.38],
        [0.54, 0.37, 0.28],
        [0.38, 0.25, 0.19],
    ]
)
HAIR = np.asarray(
    [
        [0.07, 0.06, 0.055],
        [0.14, 0.09, 0.06],
        [0.24, 0.15, 0.09],
        [0.45, 0.33, 0.20],
        [0.33, 0.14, 0.07],
        [0.50, 0.49, 0.47],
    ]
)

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


@dataclass(frozen=True, kw_only=True)
class Brow:
    """A brow in chart metres on the left side."""

    start: float
    end: float
    height: float
    arch: float
    fall: float
    thickness: float
    density: float
    opacity: float


@dataclass(frozen=True, kw_only=True)
class Person:
    """Looks beside shape; colours as displayed, 0 to 1."""

    ancestry: Floats
    masculinity: float
    age: float  # 0 young adult, 1 old
    weight: float  # -1 thin, 1 heavy
    skin: Floats
    hair: Floats
    brow_colour: Floats
    lips: Floats
    lip_strength: float
    iris: Floats
    brow: Brow
    lashes: float
    beard: float
    freckles: float
    hairline: float
    widow: float
    temple: float
    sideburn: float
    hair_cover: float
    hair_volume: float
    long_hair: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Identity:
    """A person ready to be rendered.

    Attributes:
        seed: where it comes from.
        person: looks.
        neutral: (V, 3) resting face, framed: brow to chin is FACE_HEIGHT, its middle at height 0.
        scale: factor from the head model's metres to the framed ones, for displacements.
        gain: (15,) how far each AU moves this face at intensity 1, around 1.
        texture: (S, S, 3) colour as displayed.
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


def draw_person(rng: np.random.Generator) -> Person:
    """Looks of a person; tone, hair and eye colour follow ancestry."""
    ancestry = rng.dirichlet([0.5, 0.5, 0.5])
    african, asian, caucasian = ancestry
    masculinity, age = float(rng.beta(0.5, 0.5)), float(rng.beta(1.1, 1.6))
    tone = african * rng.uniform(3.4, 5.0) + asian * rng.uniform(0.8, 2.4) + caucasian * rng.uniform(0.0, 1.8)
    step = min(int(tone), len(SKIN) - 2)
    skin = SKIN[step] + (tone - step) * (SKIN[step + 1] - SKIN[step])
    light_eyed = caucasian > 0.6
    hair = HAIR[rng.choice(5, p=[0.15, 0.27, 0.28, 0.20, 0.10] if light_eyed else [0.70, 0.25, 0.05, 0.0, 0.0])]
    grey = float(np.clip((age - 0.5) * 2.2 + rng.normal(0, 0.2), 0, 0.9))
    brow_colour = hair + 0.45 * grey * (HAIR[5] - hair)
    iris = IRIS[rng.choice(6, p=[0.1, 0.2, 0.2, 0.15, 0.2, 0.15] if light_eyed else [0.55, 0.4, 0.05, 0, 0, 0])]
    male = masculinity > 0.5
    made_up = not male and rng.random() < 0.3
    natural = skin * rng.uniform([0.82, 0.58, 0.62], [0.94, 0.70, 0.74])
    lips = np.asarray([0.62, 0.20, 0.22]) * rng.uniform(0.8, 1.1) if made_up else natural
    long_hair = bool(rng.random() < (0.10 if male else 0.75))
    brow = Brow(
        start=rng.uniform(0.0095, 0.0125),
        end=rng.uniform(0.0475, 0.0530),
        height=rng.uniform(0.0150, 0.0175),
        arch=rng.uniform(0.0020, 0.0060),
        fall=rng.uniform(0.0005, 0.0045),
        thickness=rng.uniform(0.0024, 0.0040) if male else rng.uniform(0.0014, 0.0028),
        density=rng.uniform(0.7, 1.3),
        opacity=rng.uniform(0.65, 1.0),
    )
    return Person(
        ancestry=ancestry.astype(np.float32),
        masculinity=masculinity,
        age=age,
        weight=float(rng.uniform(-0.6, 0.8)),
        skin=skin.astype(np.float32),
        hair=(hair + grey * (HAIR[5] - hair)).astype(np.float32),
        brow_colour=brow_colour.astype(np.float32),
        lips=lips.astype(np.float32),
        lip_strength=0.9 if made_up else rng.uniform(0.45, 0.85),
        iris=iris.astype(np.float32),
        brow=brow,
        lashes=rng.uniform(0.35, 0.6) if male else rng.uniform(0.55, 0.9),
        beard=float(rng.choice([0, 0.18, 0.32, 0.6], p=[0.4, 0.25, 0.2, 0.15])) if male else 0.0,
        freckles=float(rng.random() < 0.35) * rng.uniform(0.2, 0.8) * float(tone < 2),
        hairline=rng.uniform(0.044, 0.060),
        widow=rng.uniform(-0.002, 0.005),
        temple=rng.uniform(0.064, 0.074) if long_hair else rng.uniform(0.062, 0.080),
        sideburn=-0.15 if long_hair else rng.uniform(-0.03, 0.01),
        hair_cover=float(rng.choice([0.0, 0.45, 1.0], p=[0.08, 0.10, 0.82])) if male else 1.0,
        hair_volume=rng.uniform(0.006, 0.014) if long_hair else rng.uniform(0.001, 0.007),
        long_hair=long_hair,
    )


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

    # side teeth would poke through the corners of an open mouth
    teeth = head.teeth
    centre = vertices[teeth].mean(0)
    vertices[teeth] = centre + (vertices[teeth] - centre) * [0.80, 0.90, 0.95] - [0, 0, 0.004]

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
