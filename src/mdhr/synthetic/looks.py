"""Looks of the general style: what a face wears, what hides it, and what the camera does to it.

``CLIP_PROBABILITIES`` and ``IDENTITY_PROBABILITIES`` contain the probability of every effect.
"""

from dataclasses import dataclass, field

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.cast_shadow import CastShadow
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.glasses import Glasses
from mdhr.synthetic.loose_hair import LooseHair
from mdhr.synthetic.occluder import Occluder
from mdhr.synthetic.temporal_noise import random_pulses

IDENTITY_PROBABILITIES = {"smooth_skin": 0.25, "glasses": 0.25, "fringe": 0.2, "side_hair": 0.15}
CLIP_PROBABILITIES = {
    "occluder": 0.2,
    "cast_shadow": 0.3,
    "textured_background": 0.75,
    "shaking_camera": 0.2,
    "low_resolution": 0.3,
    "compression": 0.4,
}

WRINKLES = (0.0, 1.4)
"""Range of the wrinkle strength of an action unit, unless the skin is smooth."""
SHAKES_PER_SECOND, SHAKE, SHAKE_SECONDS = 1.0, (1.5, 5.0), (0.1, 0.4)
"""Rate, length in pixels of a 160 px frame, and duration of the motion blur of a shaking camera."""
FACE_PIXELS = (60, 160)
"""Range of the distance from brows to chin in pixels of a camera with a low resolution."""
COMPRESSION_QUALITY = (10, 50)
"""Range of the JPEG quality of a compressed video."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IdentityLooks:
    """Looks of an identity, equal in all its videos.

    Attributes:
        wrinkle_gain: ``(U,)`` factor on the wrinkles of each action unit.
        glasses: glasses, if any.
        hair: hair that hangs into the face, if any.
    """

    wrinkle_gain: FloatArray
    glasses: Glasses | None = None
    hair: LooseHair | None = None

    @classmethod
    def plain(cls) -> "IdentityLooks":
        """Return the looks without accessories and with unchanged wrinkles."""
        return cls(wrinkle_gain=np.ones(len(AUS), np.float32))


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """Looks of a clip of F frames.

    Attributes:
        worn: looks of the identity.
        occluder: hand or object in front of the face, if any.
        shadow: shadow that moves over the image, if any.
        textured_background: whether the background has edges and texture.
        shake: ``(F, 2)`` motion blur in pixels of a 160 px frame.
        face_pixels: distance from brows to chin in pixels of the camera, if it is lower than that of the frame.
        compression_quality: JPEG quality of the video before it is stored, if it was compressed.
    """

    worn: IdentityLooks = field(default_factory=IdentityLooks.plain)
    occluder: Occluder | None
    shadow: CastShadow | None
    textured_background: bool
    shake: FloatArray
    face_pixels: float | None
    compression_quality: int | None


def sample_identity_looks(identity_seed: int) -> IdentityLooks:
    """Return the looks of an identity."""
    rng = np.random.default_rng([identity_seed, 6841])
    occurs = _sample_occurrence(rng, IDENTITY_PROBABILITIES)
    gain = np.zeros(len(AUS)) if occurs["smooth_skin"] else rng.uniform(*WRINKLES, len(AUS))
    hair = LooseHair.sample(rng, fringe=occurs["fringe"], sides=occurs["side_hair"])
    return IdentityLooks(
        wrinkle_gain=gain.astype(np.float32),
        glasses=Glasses.sample(rng) if occurs["glasses"] else None,
        hair=hair if occurs["fringe"] or occurs["side_hair"] else None,
    )


def sample_clip_looks(rng: np.random.Generator, *, num_frames: int, fps: float) -> Looks:
    """Return the looks of a clip of F frames."""
    occurs = _sample_occurrence(rng, CLIP_PROBABILITIES)
    shake = np.zeros((num_frames, 2), np.float32)
    if occurs["shaking_camera"]:
        length = random_pulses(rng, num_frames, fps, rate=SHAKES_PER_SECOND, strength=SHAKE, duration=SHAKE_SECONDS)
        angle = rng.uniform(0, np.pi) + rng.normal(0, 0.3, num_frames)
        shake = (length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)
    return Looks(
        occluder=Occluder.sample(rng, num_frames, fps) if occurs["occluder"] else None,
        shadow=CastShadow.sample(rng, num_frames, fps) if occurs["cast_shadow"] else None,
        textured_background=occurs["textured_background"],
        shake=shake,
        face_pixels=float(rng.uniform(*FACE_PIXELS)) if occurs["low_resolution"] else None,
        compression_quality=int(rng.integers(*COMPRESSION_QUALITY)) if occurs["compression"] else None,
    )


def _sample_occurrence(rng: np.random.Generator, probabilities: dict[str, float]) -> dict[str, bool]:
    return {name: bool(rng.random() < probability) for name, probability in probabilities.items()}
