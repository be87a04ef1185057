"""Appearance of a subject apart from head shape: skin tone, hair, brows, lips, and eyes, sampled jointly."""

from dataclasses import dataclass

import numpy as np

from mdhr.synthetic.array_types import FloatArray

ANCESTRIES = ("african", "asian", "caucasian")

# display-referred RGB, from the lightest to the darkest skin
SKIN_COLORS = np.asarray(
    [
        [0.93, 0.78, 0.70],
        [0.89, 0.71, 0.61],
        [0.82, 0.63, 0.51],
        [0.70, 0.50, 0.38],
        [0.54, 0.37, 0.28],
        [0.38, 0.25, 0.19],
    ]
)
HAIR_COLORS = np.asarray(
    [
        [0.07, 0.06, 0.055],
        [0.14, 0.09, 0.06],
        [0.24, 0.15, 0.09],
        [0.45, 0.33, 0.20],
        [0.33, 0.14, 0.07],
        [0.50, 0.49, 0.47],
    ]
)
IRIS_COLORS = np.asarray(
    [
        [0.16, 0.09, 0.05],
        [0.26, 0.15, 0.08],
        [0.36, 0.27, 0.14],
        [0.30, 0.36, 0.25],
        [0.33, 0.42, 0.50],
        [0.42, 0.47, 0.50],
    ]
)


@dataclass(frozen=True, kw_only=True)
class Brow:
    """Left brow in layout coordinates (meters). The right brow is its mirror image.

    Attributes:
        start: x of the inner end.
        end: x of the outer end.
        height: y of the inner end.
        arch: rise of the middle.
        fall: drop of the outer end.
        thickness: half the height of the thickest part.
        density: number of hairs relative to the average.
        opacity: 0 to 1.
    """

    start: float
    end: float
    height: float
    arch: float
    fall: float
    thickness: float
    density: float
    opacity: float


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """Appearance apart from head shape. Colors are ``(3,)`` display-referred RGB in 0 to 1, lengths are in meters.

    Attributes:
        ancestry: ``(3,)`` shares of ``ANCESTRIES``.
        masculinity: 0 female, 1 male.
        age: 0 young adult, 1 old.
        weight: -1 thin, 1 heavy.
        skin_color: color of the skin.
        hair_color: color of the scalp hair.
        brow_color: color of brows and beard.
        lip_color: color of the lips.
        lip_strength: opacity of the lip color, 0 to 1.
        iris_color: color of the iris.
        brow: shape of the brows.
        lash_strength: opacity of the upper lashes, 0 to 1.
        beard_density: 0 no beard, 1 opaque.
        freckles: opacity of freckles, 0 to 1.
        hairline: height of the hairline in the middle of the forehead.
        widows_peak: depth of the widow's peak; negative values raise the hairline.
        temple: distance of the temple hair from the midline.
        sideburn: height of the lower end of the sideburns.
        hair_cover: opacity of the scalp hair; 0 is bald.
        hair_volume: distance of the hair surface from the scalp.
        long_hair: whether the hair covers the ears.
    """

    ancestry: FloatArray
    masculinity: float
    age: float
    weight: float
    skin_color: FloatArray
    hair_color: FloatArray
    brow_color: FloatArray
    lip_color: FloatArray
    lip_strength: float
    iris_color: FloatArray
    brow: Brow
    lash_strength: float
    beard_density: float
    freckles: float
    hairline: float
    widows_peak: float
    temple: float
    sideburn: float
    hair_cover: float
    hair_volume: float
    long_hair: bool


def sample_appearance(rng: np.random.Generator) -> Appearance:
    """Return a random appearance. Skin tone, hair color, and eye color depend on ancestry."""
    ancestry = rng.dirichlet([0.5, 0.5, 0.5])
    african, asian, caucasian = ancestry
    masculinity, age = float(rng.beta(0.5, 0.5)), float(rng.beta(1.1, 1.6))
    tone = african * rng.uniform(3.4, 5.0) + asian * rng.uniform(0.8, 2.4) + caucasian * rng.uniform(0.0, 1.8)
    step = min(int(tone), len(SKIN_COLORS) - 2)
    skin = SKIN_COLORS[step] + (tone - step) * (SKIN_COLORS[step + 1] - SKIN_COLORS[step])
    light_eyed = caucasian > 0.6
    hair = HAIR_COLORS[rng.choice(5, p=[0.15, 0.27, 0.28, 0.20, 0.10] if light_eyed else [0.70, 0.25, 0.05, 0.0, 0.0])]
    gray = float(np.clip((age - 0.5) * 2.2 + rng.normal(0, 0.2), 0, 0.9))
    brow_color = hair + 0.45 * gray * (HAIR_COLORS[5] - hair)
    iris = IRIS_COLORS[rng.choice(6, p=[0.1, 0.2, 0.2, 0.15, 0.2, 0.15] if light_eyed else [0.55, 0.4, 0.05, 0, 0, 0])]
    male = masculinity > 0.5
    lipstick = not male and rng.random() < 0.22
    natural = skin * rng.uniform([0.82, 0.58, 0.62], [0.94, 0.70, 0.74])
    lips = np.asarray([0.62, 0.20, 0.22]) * rng.uniform(0.8, 1.1) if lipstick else natural
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
    return Appearance(
        ancestry=ancestry.astype(np.float32),
        masculinity=masculinity,
        age=age,
        weight=float(rng.uniform(-0.6, 0.8)),
        skin_color=skin.astype(np.float32),
        hair_color=(hair + gray * (HAIR_COLORS[5] - hair)).astype(np.float32),
        brow_color=brow_color.astype(np.float32),
        lip_color=lips.astype(np.float32),
        lip_strength=0.9 if lipstick else rng.uniform(0.45, 0.85),
        iris_color=iris.astype(np.float32),
        brow=brow,
        lash_strength=rng.uniform(0.35, 0.6) if male else rng.uniform(0.55, 0.9),
        beard_density=float(rng.choice([0, 0.18, 0.32, 0.6], p=[0.4, 0.25, 0.2, 0.15])) if male else 0.0,
        freckles=float(rng.random() < 0.35) * rng.uniform(0.2, 0.8) * float(tone < 2),
        hairline=rng.uniform(0.044, 0.060),
        widows_peak=rng.uniform(-0.002, 0.005),
        temple=rng.uniform(0.064, 0.074) if long_hair else rng.uniform(0.062, 0.080),
        sideburn=-0.15 if long_hair else rng.uniform(-0.03, 0.01),
        hair_cover=float(rng.choice([0.0, 0.45, 1.0], p=[0.08, 0.10, 0.82])) if male else 1.0,
        hair_volume=rng.uniform(0.006, 0.014) if long_hair else rng.uniform(0.001, 0.007),
        long_hair=long_hair,
    )
