"""Everything of a clip that is not an action unit: head pose, gaze, blinks, light and camera.

Every quantity has a natural range. In a clip it keeps to a value of that clip and drifts smoothly around it; in a set
of independent frames every frame draws its own from a wider range.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mdhr.synthetic.performance import Floats


@dataclass(frozen=True, kw_only=True)
class Natural:
    """How a quantity varies: ``sigma`` over all frames of all clips, ``low`` and ``high`` its hard limits.

    ``drift`` is the share of its variance that lies within a clip, ``seconds`` the time scale of that drift,
    ``wide`` how many times wider sigma is among independent frames and ``beyond`` how much wider the limits are.
    """

    center: float
    sigma: float
    low: float
    high: float
    drift: float
    seconds: float
    wide: float = 1.6
    beyond: float = 1.6

    def in_clip(self, rng: np.random.Generator, num_frames: int, fps: float) -> Floats:
        """``(F,)`` values that drift through a clip."""
        of_clip = np.sqrt(1 - self.drift) * rng.normal()
        drift = np.sqrt(self.drift) * smooth_noise(rng, num_frames, self.seconds * fps)
        return np.clip(self.center + self.sigma * (of_clip + drift), self.low, self.high).astype(np.float32)

    def independent(self, rng: np.random.Generator, num_frames: int) -> Floats:
        """``(F,)`` values that have nothing to do with each other."""
        low = self.center + self.beyond * (self.low - self.center)
        high = self.center + self.beyond * (self.high - self.center)
        drawn = self.center + self.wide * self.sigma * rng.normal(size=num_frames)
        return np.clip(drawn, low, high).astype(np.float32)


# A center of 0.6 m is the camera distance of Performance.neutral.
YAW = Natural(center=0, sigma=7, low=-15, high=15, drift=0.2, seconds=1.2)  # degrees
PITCH = Natural(center=0, sigma=4.5, low=-10, high=10, drift=0.2, seconds=1.0)
ROLL = Natural(center=0, sigma=2.8, low=-6, high=6, drift=0.2, seconds=1.2)
SHIFT = Natural(center=0, sigma=0.0022, low=-0.006, high=0.006, drift=0.2, seconds=1.0)  # meters
DISTANCE = Natural(center=0.6, sigma=0.010, low=0.575, high=0.625, drift=0.3, seconds=1.5)
CHEEK_PUFF = Natural(center=-0.15, sigma=0.12, low=0, high=0.5, drift=0.7, seconds=0.5, beyond=1.0)
MOUTH_SHIFT = Natural(center=0, sigma=0.08, low=-0.3, high=0.3, drift=0.5, seconds=0.6)
LIGHT_AZIMUTH = Natural(
    center=0, sigma=28, low=-60, high=60, drift=0.08, seconds=2.0, beyond=1.2
)  # degrees, 0 is ahead
LIGHT_ELEVATION = Natural(center=30, sigma=12, low=5, high=55, drift=0.08, seconds=2.0, beyond=1.2)
WARMTH = Natural(center=0, sigma=0.06, low=-0.15, high=0.15, drift=0.1, seconds=2.0)
AMBIENT = Natural(center=0.44, sigma=0.06, low=0.3, high=0.6, drift=0.1, seconds=2.0, beyond=1.3)
LOG_EXPOSURE = Natural(center=0, sigma=0.10, low=-0.3, high=0.3, drift=0.2, seconds=1.0)
BLUR = Natural(center=0.5, sigma=0.2, low=0.1, high=0.9, drift=0.2, seconds=0.6, beyond=1.2)  # pixels at 160
NOISE = Natural(center=2.5, sigma=1.0, low=0.5, high=5, drift=0.1, seconds=1.0, beyond=1.2)  # gray levels
GAZE = Natural(center=0, sigma=0.3, low=-0.8, high=0.8, drift=0.0, seconds=0.0, beyond=1.1)

BLINKS_A_SECOND = 0.25
BLINK_SECONDS = (0.22, 0.38)
GLANCES_A_SECOND = 0.8
# the camera hunts for focus: blur in pixels at 160 that comes on top
DEFOCUS_A_SECOND = 1.5
DEFOCUS = (1.0, 3.0)
DEFOCUS_SECONDS = (0.15, 0.45)


class Scene(TypedDict):
    """The fields of ``Performance`` that this module makes."""

    blink: Floats
    gaze: Floats
    cheek_puff: Floats
    mouth_shift: Floats
    rotation: Floats
    shift: Floats
    distance: Floats
    light_direction: Floats
    light_color: Floats
    ambient: Floats
    exposure: Floats
    blur: Floats
    noise: Floats
    background: Floats
    background_seed: int


def clip_scene(*, rng: np.random.Generator, num_frames: int, fps: float) -> Scene:
    """A scene whose quantities drift through the F frames of a clip, and whose camera loses focus now and then."""
    scene = _scene(
        rng,
        draw=lambda natural: natural.in_clip(rng, num_frames, fps),
        blink=_blinks(rng, num_frames, fps),
        gaze=_glances(rng, num_frames, fps),
    )
    defocus = pulses(rng, num_frames, fps, a_second=DEFOCUS_A_SECOND, strength=DEFOCUS, seconds=DEFOCUS_SECONDS)
    return {**scene, "blur": scene["blur"] + defocus.astype(np.float32)}


def independent_scene(*, rng: np.random.Generator, num_frames: int) -> Scene:
    """A scene of which every frame is another one, drawn from wider ranges; one frame in ten blinks."""
    blinking = rng.random(num_frames) < 0.1
    return _scene(
        rng,
        draw=lambda natural: natural.independent(rng, num_frames),
        blink=np.where(blinking, rng.random(num_frames), 0.0).astype(np.float32),
        gaze=np.stack([GAZE.independent(rng, num_frames) for _ in range(2)], axis=1),
    )


def smooth_noise(rng: np.random.Generator, num_frames: int, time_scale: float) -> np.ndarray:
    """``(F,)`` Gaussian process of unit variance; correlation falls to 0.61 within ``time_scale`` frames."""
    sigma = time_scale / np.sqrt(2)  # white noise through a Gaussian filter has a sqrt(2) times wider correlation
    margin = int(4 * sigma) + 1
    filtered = gaussian_filter1d(rng.normal(size=num_frames + 2 * margin), sigma)[margin : margin + num_frames]
    return filtered * np.sqrt(2 * np.sqrt(np.pi) * max(sigma, 1e-3))


def pulses(
    rng: np.random.Generator,
    num_frames: int,
    fps: float,
    *,
    a_second: float,
    strength: tuple[float, float],
    seconds: tuple[float, float],
) -> np.ndarray:
    """``(F,)`` 0, and short rises to a ``strength`` that last some ``seconds``, at random times."""
    now = np.arange(num_frames) / fps
    course = np.zeros(num_frames)
    for _ in range(rng.poisson(a_second * num_frames / fps)):
        start, duration = rng.uniform(0, num_frames / fps), rng.uniform(*seconds)
        inside = np.clip((now - start) / duration, 0, 1)
        course = np.maximum(course, rng.uniform(*strength) * np.sin(np.pi * inside) ** 2)
    return course


def _scene(rng: np.random.Generator, *, draw: Callable[[Natural], Floats], blink: Floats, gaze: Floats) -> Scene:
    """The scene whose quantities ``draw`` draws."""
    azimuth, elevation = np.radians(draw(LIGHT_AZIMUTH)), np.radians(draw(LIGHT_ELEVATION))
    towards = (np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth))
    warmth = draw(WARMTH)
    return Scene(
        blink=blink,
        gaze=gaze,
        cheek_puff=draw(CHEEK_PUFF),
        mouth_shift=draw(MOUTH_SHIFT),
        rotation=np.stack([draw(YAW), draw(PITCH), draw(ROLL)], axis=1),
        shift=np.stack([draw(SHIFT), draw(SHIFT)], axis=1),
        distance=draw(DISTANCE),
        light_direction=np.stack(towards, axis=1).astype(np.float32),
        light_color=np.stack([1 + warmth, np.ones_like(warmth), 1 - warmth], axis=1),
        ambient=draw(AMBIENT),
        exposure=np.exp(draw(LOG_EXPOSURE)),
        blur=draw(BLUR),
        noise=draw(NOISE),
        background=rng.uniform(0.1, 0.8, size=3).astype(np.float32),
        background_seed=int(rng.integers(2**31)),
    )


def _blinks(rng: np.random.Generator, num_frames: int, fps: float) -> Floats:
    """``(F,)`` eyelids: closing takes a third of a blink, opening the rest."""
    seconds = np.arange(num_frames) / fps
    lids = np.zeros(num_frames)
    for _ in range(rng.poisson(BLINKS_A_SECOND * num_frames / fps)):
        start, duration = rng.uniform(0, num_frames / fps), rng.uniform(*BLINK_SECONDS)
        lids = np.maximum(lids, np.interp((seconds - start) / duration, (0, 1 / 3, 0.45, 1), (0, 1, 1, 0)))
    return lids.astype(np.float32)


def _glances(rng: np.random.Generator, num_frames: int, fps: float) -> Floats:
    """``(F, 2)`` eyes that rest on a point and jump to the next one."""
    jumps = rng.random(num_frames) < GLANCES_A_SECOND / fps
    resting = np.cumsum(jumps)  # F: number of the point that is looked at
    points = np.stack([GAZE.independent(rng, resting[-1] + 1) for _ in range(2)], axis=1)
    return points[resting]
