"""Intensity curves of one action unit from its binary label track.

A run of positive labels becomes an event: intensity rises within 4 to 12 frames at 25 fps, fluctuates around the
event's apex, and falls again, stronger on one side of the face than on the other. The rise starts before the first
positive frame and the fall ends after the last one, as in real annotations, because annotators mark visible changes.
Subthreshold twitches occur between events.

Letters: F frames, U action units of the renderer (``AUS``).
"""

from dataclasses import dataclass

import numpy as np

from mdhr.synthetic.animation import MAX_INTENSITY
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.label_tracks import run_lengths
from mdhr.synthetic.temporal_noise import random_pulses, smooth_noise

OCCURRENCE_LEVEL = 0.3
"""An action unit occurs (label 1) in the frames whose intensity, averaged over both sides, reaches this level."""

WEAK_AUS = (6, 9, 14)
"""Action units with small displacements. Their intensity is multiplied by ``WEAK_GAIN``, up to ``MAX_INTENSITY``."""
WEAK_GAIN = 1.25
FLUCTUATION_SECONDS = 0.25
ONE_SIDED_ASYMMETRY = 0.8


@dataclass(frozen=True, kw_only=True)
class CurveStyle:
    """Distribution of the events of an action unit.

    Attributes:
        apex: range of the apex intensity.
        edge_seconds: range of the duration of onset and offset.
        fluctuation: relative standard deviation around the apex, with a time scale of ``FLUCTUATION_SECONDS``.
        asymmetry: standard deviation between events of the left side's relative deviation from the mean of both sides.
        one_sided: share of the events with an asymmetry of ``ONE_SIDED_ASYMMETRY``.
    """

    apex: tuple[float, float]
    edge_seconds: tuple[float, float]
    fluctuation: float
    asymmetry: float
    one_sided: float = 0.0

    def sample_asymmetry(self, rng: np.random.Generator) -> float:
        """Return the asymmetry of an event; positive values make the left side stronger."""
        if self.one_sided > 0 and rng.random() < self.one_sided:
            return float(rng.choice((-1, 1))) * ONE_SIDED_ASYMMETRY
        return self.asymmetry * rng.normal()


BENCH_CURVES = CurveStyle(apex=(0.45, 1.2), edge_seconds=(0.16, 0.48), fluctuation=0.4, asymmetry=0.12)
"""Onset and offset take 4 to 12 frames at 25 fps."""
GENERAL_CURVES = CurveStyle(
    apex=(0.35, 1.25), edge_seconds=(0.12, 0.8), fluctuation=0.12, asymmetry=0.12, one_sided=0.05
)
"""From traces (intensity A) to the maximum (intensity E). Fast and slow events; a steady apex."""

# subthreshold movements
TWITCHES_PER_SECOND = 0.15
TWITCH = (0.08, 0.25)
TWITCH_SECONDS = (0.3, 0.8)


def occurrence(intensity: FloatArray) -> np.ndarray:
    """Return int8 labels ``(F, U)`` of intensities ``(F, U, 2)``, see ``OCCURRENCE_LEVEL``."""
    return (intensity.mean(-1) >= OCCURRENCE_LEVEL).astype(np.int8)


def sample_intensity(
    track: np.ndarray, *, au: int, rng: np.random.Generator, fps: float, style: CurveStyle = BENCH_CURVES
) -> FloatArray:
    """Return intensities ``(F, 2)`` of both sides whose occurrence equals the label track ``(F,)``."""
    num_frames = len(track)
    gain = WEAK_GAIN if au in WEAK_AUS else 1.0
    mean = random_pulses(rng, num_frames, fps, rate=TWITCHES_PER_SECOND, strength=TWITCH, duration=TWITCH_SECONDS)
    asymmetry = np.full(num_frames, style.sample_asymmetry(rng))
    lengths, labels = run_lengths(track)
    ends = np.cumsum(lengths)
    for start, end in zip((ends - lengths)[labels == 1], ends[labels == 1], strict=True):
        apex = gain * rng.uniform(*style.apex)
        event = _event(rng, num_frames, start=start, end=end, apex=apex, fps=fps, style=style)
        asymmetry = np.where(event > mean, style.sample_asymmetry(rng), asymmetry)
        mean = np.maximum(mean, event)
    return left_right_intensity(np.minimum(mean, MAX_INTENSITY), asymmetry)


def left_right_intensity(mean: np.ndarray, asymmetry: np.ndarray) -> FloatArray:
    """Return the intensities ``(..., 2)`` of the left and the right side with the given mean ``(...)``.

    A positive asymmetry (-1 to 1) makes the left side stronger. Both sides stay within 0 and ``MAX_INTENSITY``; the
    asymmetry is reduced where necessary.
    """
    difference = np.clip(asymmetry, -1, 1) * mean
    difference = np.clip(difference, mean - MAX_INTENSITY, MAX_INTENSITY - mean)
    return np.stack([mean + difference, mean - difference], axis=-1).astype(np.float32)


def _event(
    rng: np.random.Generator, num_frames: int, *, start: int, end: int, apex: float, fps: float, style: CurveStyle
) -> np.ndarray:
    """Return an event's intensity ``(F,)``, which occurs in exactly the frames ``start`` to ``end - 1``.

    An event that includes the first frame of a video starts before the video, and one that includes the last frame ends
    after it.
    """
    crossing_up = start - 0.5 if start > 0 else -0.5 - rng.uniform(0, fps)
    crossing_down = end - 0.5 if end < num_frames else end - 0.5 + rng.uniform(0, fps)
    onset, offset = fps * rng.uniform(*style.edge_seconds, size=2)
    frame = np.arange(num_frames)
    curve = apex * np.minimum(_edge(frame - crossing_up, onset, apex), _edge(crossing_down - frame, offset, apex))
    fluctuation = np.clip(1 + style.fluctuation * smooth_noise(rng, num_frames, FLUCTUATION_SECONDS * fps), 0.5, 1.5)
    above = curve - OCCURRENCE_LEVEL
    return OCCURRENCE_LEVEL + above * np.where(above > 0, fluctuation, 1)


def _edge(frame: np.ndarray, duration: float, apex: float) -> np.ndarray:
    """Return a rise from 0 to 1 within ``duration`` frames that reaches the occurrence level at frame 0."""
    grid = np.linspace(0, 1, 101)
    crossing = np.interp(OCCURRENCE_LEVEL / apex, _smooth_step(grid), grid)
    return _smooth_step(np.clip(frame / duration + crossing, 0, 1))


def _smooth_step(x: np.ndarray) -> np.ndarray:
    return x * x * (3 - 2 * x)
