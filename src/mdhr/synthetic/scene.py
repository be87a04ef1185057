"""Scene of a clip: head pose, gaze, blinks, light, and camera.

Each quantity varies within a fixed range. In a clip it drifts smoothly around a value of that clip. Independent frames
sample it separately, from a wider range.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.temporal_noise import random_pulses, smooth_noise


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Distribution of a scene quantity.

    Attributes:
        center: mean.
        sigma: standard deviation over all frames of all clips.
        low: lower limit.
        high: upper limit.
        drift: fraction of the variance that lies within a clip.
        seconds: time scale of the drift.
        independent_sigma: factor on ``sigma`` for independent frames.
        independent_range: factor on the limits' distance from the center for independent frames.
    """

    center: float
    sigma: float
    low: float
    high: float
    drift: float
    seconds: float
    independent_sigma: float = 1.6
    independent_range: float = 1.6

    def sample_clip(self, rng: np.random.Generator, num_frames: int, fps: float) -> FloatArray:
        """Return values ``(F,)`` that drift through a clip."""
        offset = np.sqrt(1 - self.drift) * rng.normal()
        drift = np.sqrt(self.drift) * smooth_noise(rng, num_frames, self.seconds * fps)
        return np.clip(self.center + self.sigma * (offset + drift), self.low, self.high).astype(np.float32)

    def sample_independent(self, rng: np.random.Generator, num_frames: int) -> FloatArray:
        """Return independent values ``(F,)``."""
        low = self.center + self.independent_range * (self.low - self.center)
        high = self.center + self.independent_range * (self.high - self.center)
        values = self.center + self.independent_sigma * self.sigma * rng.normal(size=num_frames)
        return np.clip(values, low, high).astype(np.float32)

    def widened(self) -> "Quantity":
        """Return the quantity of the general style: the range of independent frames, and twice the drift."""
        low, high = (self.center + self.independent_range * (limit - self.center) for limit in (self.low, self.high))
        return replace(
            self, sigma=self.independent_sigma * self.sigma, low=low, high=high, drift=min(1.0, 2 * self.drift)
        )


# The center of DISTANCE is the camera distance of FaceAnimation.neutral.
YAW = Quantity(center=0, sigma=7, low=-15, high=15, drift=0.2, seconds=1.2)  # degrees
PITCH = Quantity(center=0, sigma=4.5, low=-10, high=10, drift=0.2, seconds=1.0)
ROLL = Quantity(center=0, sigma=2.8, low=-6, high=6, drift=0.2, seconds=1.2)
SHIFT = Quantity(center=0, sigma=0.0022, low=-0.006, high=0.006, drift=0.2, seconds=1.0)  # meters
DISTANCE = Quantity(center=0.6, sigma=0.010, low=0.575, high=0.625, drift=0.3, seconds=1.5)
CHEEK_PUFF = Quantity(center=-0.15, sigma=0.12, low=0, high=0.5, drift=0.7, seconds=0.5, independent_range=1.0)
MOUTH_SHIFT = Quantity(center=0, sigma=0.08, low=-0.3, high=0.3, drift=0.5, seconds=0.6)
# Light angles are in degrees; an azimuth of 0 is frontal.
LIGHT_AZIMUTH = Quantity(center=0, sigma=28, low=-60, high=60, drift=0.08, seconds=2.0, independent_range=1.2)
LIGHT_ELEVATION = Quantity(center=30, sigma=12, low=5, high=55, drift=0.08, seconds=2.0, independent_range=1.2)
COLOR_TEMPERATURE = Quantity(center=0, sigma=0.06, low=-0.15, high=0.15, drift=0.1, seconds=2.0)
AMBIENT = Quantity(center=0.44, sigma=0.06, low=0.3, high=0.6, drift=0.1, seconds=2.0, independent_range=1.3)
LOG_EXPOSURE = Quantity(center=0, sigma=0.10, low=-0.3, high=0.3, drift=0.2, seconds=1.0)
# Blur is in pixels of a 160 px frame.
BLUR = Quantity(center=0.5, sigma=0.2, low=0.1, high=0.9, drift=0.2, seconds=0.6, independent_range=1.2)
NOISE = Quantity(center=2.5, sigma=1.0, low=0.5, high=5, drift=0.1, seconds=1.0, independent_range=1.2)  # gray levels
GAZE = Quantity(center=0, sigma=0.3, low=-0.8, high=0.8, drift=0.0, seconds=0.0, independent_range=1.1)

BLINKS_PER_SECOND = 0.25
BLINK_SECONDS = (0.22, 0.38)
GAZE_SHIFTS_PER_SECOND = 0.8
# Additional blur in pixels of a 160 px frame while the camera searches for focus.
DEFOCUS_PER_SECOND = 1.5
DEFOCUS = (1.0, 3.0)
DEFOCUS_SECONDS = (0.15, 0.45)


Style = Literal["bench", "general"]
"""Style of clips: made to distinguish temporal models, or made to resemble real videos."""


class Scene(TypedDict):
    """Fields of :class:`FaceAnimation` that this module samples."""

    blink: FloatArray
    gaze: FloatArray
    cheek_puff: FloatArray
    mouth_shift: FloatArray
    rotation: FloatArray
    shift: FloatArray
    distance: FloatArray
    light_direction: FloatArray
    light_color: FloatArray
    ambient: FloatArray
    exposure: FloatArray
    blur: FloatArray
    noise: FloatArray
    background: FloatArray
    background_seed: int


def sample_clip_scene(*, rng: np.random.Generator, num_frames: int, fps: float, style: Style = "bench") -> Scene:
    """Return a scene whose quantities drift through F frames.

    In the bench style, the camera loses focus at random moments. In the general style, ranges are wider.
    """
    bench = style == "bench"
    scene = _sample_scene(
        rng,
        sample=lambda quantity: (quantity if bench else quantity.widened()).sample_clip(rng, num_frames, fps),
        blink=_sample_blinks(rng, num_frames, fps),
        gaze=_sample_gaze(rng, num_frames, fps),
    )
    if not bench:
        return scene
    defocus = random_pulses(rng, num_frames, fps, rate=DEFOCUS_PER_SECOND, strength=DEFOCUS, duration=DEFOCUS_SECONDS)
    return {**scene, "blur": scene["blur"] + defocus.astype(np.float32)}


def sample_independent_scenes(*, rng: np.random.Generator, num_frames: int) -> Scene:
    """Return independent scenes of F frames, sampled from wider ranges. The eyes blink in one frame out of ten."""
    blinking = rng.random(num_frames) < 0.1
    return _sample_scene(
        rng,
        sample=lambda quantity: quantity.sample_independent(rng, num_frames),
        blink=np.where(blinking, rng.random(num_frames), 0.0).astype(np.float32),
        gaze=np.stack([GAZE.sample_independent(rng, num_frames) for _ in range(2)], axis=1),
    )


def _sample_scene(
    rng: np.random.Generator, *, sample: Callable[[Quantity], FloatArray], blink: FloatArray, gaze: FloatArray
) -> Scene:
    azimuth, elevation = np.radians(sample(LIGHT_AZIMUTH)), np.radians(sample(LIGHT_ELEVATION))
    direction = (np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth))
    warmth = sample(COLOR_TEMPERATURE)
    return Scene(
        blink=blink,
        gaze=gaze,
        cheek_puff=sample(CHEEK_PUFF),
        mouth_shift=sample(MOUTH_SHIFT),
        rotation=np.stack([sample(YAW), sample(PITCH), sample(ROLL)], axis=1),
        shift=np.stack([sample(SHIFT), sample(SHIFT)], axis=1),
        distance=sample(DISTANCE),
        light_direction=np.stack(direction, axis=1).astype(np.float32),
        light_color=np.stack([1 + warmth, np.ones_like(warmth), 1 - warmth], axis=1),
        ambient=sample(AMBIENT),
        exposure=np.exp(sample(LOG_EXPOSURE)),
        blur=sample(BLUR),
        noise=sample(NOISE),
        background=rng.uniform(0.1, 0.8, size=3).astype(np.float32),
        background_seed=int(rng.integers(2**31)),
    )


def _sample_blinks(rng: np.random.Generator, num_frames: int, fps: float) -> FloatArray:
    """Return eyelid closure ``(F,)``. Closing takes a third of a blink."""
    seconds = np.arange(num_frames) / fps
    closure = np.zeros(num_frames)
    for _ in range(rng.poisson(BLINKS_PER_SECOND * num_frames / fps)):
        start, duration = rng.uniform(0, num_frames / fps), rng.uniform(*BLINK_SECONDS)
        closure = np.maximum(closure, np.interp((seconds - start) / duration, (0, 1 / 3, 0.45, 1), (0, 1, 1, 0)))
    return closure.astype(np.float32)


def _sample_gaze(rng: np.random.Generator, num_frames: int, fps: float) -> FloatArray:
    """Return gaze ``(F, 2)``: fixations with abrupt shifts between them."""
    shifts = rng.random(num_frames) < GAZE_SHIFTS_PER_SECOND / fps
    fixation = np.cumsum(shifts)  # F: index of the fixation
    points = np.stack([GAZE.sample_independent(rng, fixation[-1] + 1) for _ in range(2)], axis=1)
    return points[fixation]
