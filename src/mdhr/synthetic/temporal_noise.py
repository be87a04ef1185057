"""Random processes over the frames of a clip: smooth Gaussian noise and short pulses."""

import numpy as np
from scipy.ndimage import gaussian_filter1d


def smooth_noise(rng: np.random.Generator, num_frames: int, time_scale: float) -> np.ndarray:
    """Return a Gaussian process ``(F,)`` of unit variance and a correlation of 0.61 at lag ``time_scale`` (frames)."""
    # The autocorrelation of filtered white noise is sqrt(2) times wider than the filter.
    sigma = time_scale / np.sqrt(2)
    margin = int(4 * sigma) + 1
    filtered = gaussian_filter1d(rng.normal(size=num_frames + 2 * margin), sigma)[margin : margin + num_frames]
    return filtered * np.sqrt(2 * np.sqrt(np.pi) * max(sigma, 1e-3))


def random_pulses(
    rng: np.random.Generator,
    num_frames: int,
    fps: float,
    *,
    rate: float,
    strength: tuple[float, float],
    duration: tuple[float, float],
) -> np.ndarray:
    """Return a curve ``(F,)`` that is 0 except for pulses at random times.

    Args:
        rate: expected number of pulses per second.
        strength: range of the pulse height.
        duration: range of the pulse length in seconds.
    """
    seconds = np.arange(num_frames) / fps
    curve = np.zeros(num_frames)
    for _ in range(rng.poisson(rate * num_frames / fps)):
        start, length = rng.uniform(0, num_frames / fps), rng.uniform(*duration)
        phase = np.clip((seconds - start) / length, 0, 1)
        curve = np.maximum(curve, rng.uniform(*strength) * np.sin(np.pi * phase) ** 2)
    return curve
