"""Speech: the mouth alternates between consonants and vowels, 3 to 6 syllables per second.

Letters: F frames, M mouth movements (``MOUTH_MOVEMENTS``).
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mdhr.synthetic.array_types import FloatArray

# Columns: lips part (AU25), jaw drops (AU26), then MOUTH_MOVEMENTS (grin, round, pucker, spread, tongue, seal).
VOWELS = np.asarray(
    [
        [0.8, 1.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.0],  # a
        [0.8, 0.5, 0.1, 0.0, 0.0, 0.5, 0.3, 0.0],  # e
        [0.6, 0.2, 0.2, 0.0, 0.0, 0.8, 0.2, 0.0],  # i
        [0.5, 0.6, 0.0, 0.7, 0.2, 0.0, 0.0, 0.0],  # o
        [0.3, 0.2, 0.0, 0.5, 0.7, 0.0, 0.0, 0.0],  # u
    ]
)
CONSONANTS = np.asarray(
    [
        [0.0, 0.0, 0.0, 0.0, 0.1, 0.1, 0.0, 0.0],  # b, m, p
        [0.4, 0.1, 0.2, 0.0, 0.0, 0.4, 0.2, 0.0],  # s, t
        [0.5, 0.3, 0.0, 0.0, 0.0, 0.1, 0.8, 0.0],  # d, l
        [0.4, 0.3, 0.0, 0.1, 0.0, 0.0, 0.1, 0.0],  # g, k
    ]
)
SYLLABLES_PER_SECOND = (3.0, 6.0)
TALK_SECONDS, PAUSE_SECONDS = (0.8, 5.0), (0.3, 3.0)
EFFORT = (0.5, 1.2)
"""Range of the opening relative to ``VOWELS``, per phrase."""
SMOOTHING_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Speech:
    """Movements of speech: ``parted`` ``(F,)`` and ``jaw`` ``(F,)`` in units of AU25 and AU26, ``mouth`` ``(F, M)``."""

    parted: FloatArray
    jaw: FloatArray
    mouth: FloatArray


def sample_speech(rng: np.random.Generator, num_frames: int, fps: float) -> Speech:
    """Return phrases with pauses between them. The mouth is closed and at rest in the pauses."""
    end = num_frames / fps
    closed = np.zeros(VOWELS.shape[1])
    times, targets = [0.0], [closed]
    second = rng.uniform(0, PAUSE_SECONDS[1])
    while second < end:
        syllable, effort = 1 / rng.uniform(*SYLLABLES_PER_SECOND), rng.uniform(*EFFORT)
        phrase_end = second + rng.uniform(*TALK_SECONDS)
        times.append(second)
        targets.append(closed)
        while second < phrase_end:
            duration = syllable * rng.uniform(0.75, 1.25)
            times += [second + 0.35 * duration, second + 0.8 * duration]
            targets += [CONSONANTS[rng.integers(len(CONSONANTS))], effort * VOWELS[rng.integers(len(VOWELS))]]
            second += duration
        times.append(second + 0.15)
        targets.append(closed)
        second += 0.15 + rng.uniform(*PAUSE_SECONDS)
    frame_times = np.arange(num_frames) / fps
    curves = np.stack([np.interp(frame_times, times, column) for column in np.transpose(targets)], axis=1)
    curves = gaussian_filter1d(curves, SMOOTHING_SECONDS * fps, axis=0).astype(np.float32)
    return Speech(parted=curves[:, 0], jaw=curves[:, 1], mouth=curves[:, 2:])
