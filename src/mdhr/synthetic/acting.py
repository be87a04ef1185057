"""From which action units occur to how a face performs them.

Letters: F frames, U units of the renderer (``AUS``).
"""

import numpy as np

from mdhr.synthetic.performance import Floats, Performance
from mdhr.synthetic.scene import independent_scene
from mdhr.synthetic.units import AUS

OCCURRENCE_LEVEL = 0.3
"""An action unit occurs (label 1) in exactly the frames where the mean intensity of its two sides is at least this."""

MAX_INTENSITY = 1.5
WEAK_AUS = (6, 9, 14)
"""Units that move little skin: they act half as strong again."""
WEAK_GAIN = 1.25


def occurrence(intensity: Floats) -> np.ndarray:
    """``(F, U, 2)`` intensity -> ``(F, U)`` int8 labels, see ``OCCURRENCE_LEVEL``."""
    return (intensity.mean(-1) >= OCCURRENCE_LEVEL).astype(np.int8)


def random_frame_performance(*, rng: np.random.Generator, num_frames: int) -> Performance:
    """Frames that have nothing to do with each other, to pretrain a backbone on.

    In every frame each unit occurs with probability 0.35 at an intensity from 0.1 to 1.3, else it keeps a residue
    below 0.15; pose, light, blur and noise vary more widely than in the data set.
    """
    active = rng.random((num_frames, len(AUS))) < 0.35
    both = np.where(active, rng.uniform(0.1, 1.3, active.shape), np.maximum(0, rng.normal(-0.05, 0.08, active.shape)))
    both = np.where(active, both, np.minimum(both, 0.15))
    lopsided = np.where(rng.random(active.shape) < 0.25, rng.normal(0, 0.25, active.shape), 0)  # F U
    scene = independent_scene(rng=rng, num_frames=num_frames)
    return Performance(intensity=two_sided(both, lopsided), **scene)


def two_sided(both: np.ndarray, lopsided: np.ndarray) -> Floats:
    """Intensity of the left and the right side whose mean is ``both``, ``lopsided`` in -1 to 1 favours the left.

    Sides never leave 0 to ``MAX_INTENSITY``; where one would, both give way so that their mean is kept.
    """
    difference = np.clip(lopsided, -1, 1) * both
    difference = np.clip(difference, both - MAX_INTENSITY, MAX_INTENSITY - both)
    return np.stack([both + difference, both - difference], axis=-1).astype(np.float32)
