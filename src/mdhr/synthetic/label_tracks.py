"""When action units occur: label tracks with the rates, run lengths and correlations of real data sets.

A track is on while a latent Gaussian process lies above a threshold. The process of every action unit is the sum of
one value per video (people and tasks differ: some smile throughout, some never) and of a process that forgets within
the unit's own time scale (Matern covariance 3/2, so that a unit neither flickers nor comes and goes like clockwork).
The processes of different units are driven by correlated noise. All of it follows from the statistics in
``assets/label_statistics.yaml``, where memory and video share are fitted, the rest is counted on the real labels.

Letters: F frames, N action units.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
import yaml
from scipy.integrate import cumulative_trapezoid
from scipy.ndimage import grey_closing, grey_opening
from scipy.stats import norm

SHORTEST_RUN = 4
"""Frames; coders of real video hardly ever mark a shorter run: shorter gaps are filled, then shorter runs dropped."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelStatistics:
    """What is known of the labels of a data set, per action unit.

    Attributes:
        aus: the N action units.
        fps: frames a second that all run lengths refer to.
        rate: (N,) share of frames in which the unit occurs.
        on_run_median: (N,) median length in frames of the runs in which it occurs without a break.
        correlation: (N, N) of the binary labels.
        memory: (N,) time scale in frames of the latent process.
        video_share: (N,) share of the latent variance that is the same in all frames of a video.
    """

    aus: tuple[int, ...]
    fps: float
    rate: np.ndarray
    on_run_median: np.ndarray
    correlation: np.ndarray
    memory: np.ndarray
    video_share: np.ndarray

    @classmethod
    def of(cls, name: str) -> "LabelStatistics":
        """Statistics of the real labels of ``BP4D`` or ``DISFA``."""
        known = yaml.safe_load(files("mdhr.synthetic").joinpath("assets/label_statistics.yaml").read_text())[name]
        arrays = {key: np.array(value, float) for key, value in known.items() if key not in ("aus", "fps")}
        return cls(aus=tuple(known["aus"]), fps=known["fps"], **arrays)

    def only(self, aus: tuple[int, ...], *, rate_factor: float) -> "LabelStatistics":
        """The statistics of some of the units, occurring ``rate_factor`` times as often."""
        chosen = [self.aus.index(au) for au in aus]
        return LabelStatistics(
            aus=aus,
            fps=self.fps,
            rate=rate_factor * self.rate[chosen],
            on_run_median=self.on_run_median[chosen],
            correlation=self.correlation[np.ix_(chosen, chosen)],
            memory=self.memory[chosen],
            video_share=self.video_share[chosen],
        )


class LabelTracks:
    """Draws label tracks of videos that match ``statistics``."""

    def __init__(self, statistics: LabelStatistics) -> None:
        self.statistics = statistics
        self.threshold = norm.isf(statistics.rate)  # N

    def draw(self, *, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """``(F, N)`` int8 occurrence in one more video."""
        statistics = self.statistics
        of_video = self.moment(rng)  # N
        share = statistics.video_share
        latent = np.sqrt(share) * of_video + np.sqrt(1 - share) * self._process(rng, num_frames)
        track = (latent > self.threshold).astype(np.int8)
        return grey_opening(grey_closing(track, size=(SHORTEST_RUN, 1)), size=(SHORTEST_RUN, 1))

    def moment(self, rng: np.random.Generator) -> np.ndarray:
        """``(N,)`` standard normal values that correlate as the units do, of one moment out of any video."""
        return self._coupling @ rng.normal(size=len(self.statistics.aus))

    def _process(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """``(F, N)`` stationary Gaussian processes of unit variance: colored, correlated noise."""
        memory = self.statistics.memory
        period = num_frames + 10 * int(np.ceil(memory.max()))  # long enough to have forgotten the start at the end
        white = rng.normal(size=(period, len(memory))) @ self._coupling.T
        gain = 1 / (1 + (2 * np.pi * np.fft.fftfreq(period)[:, None] * memory) ** 2)  # square root of the spectrum
        gain /= np.sqrt((gain**2).mean(0))
        return np.fft.ifft(np.fft.fft(white, axis=0) * gain, axis=0).real[:num_frames]

    @cached_property
    def _coupling(self) -> np.ndarray:
        """``(N, N)`` matrix that correlates white noise so that the binary labels correlate as they should.

        Noise of correlation r that drives two processes of memories s and t leaves them with the correlation
        r 2 sqrt(s t) / (s + t); the part of a video keeps r. Divided out, and the nearest matrix that is a
        correlation is taken where the result is none.
        """
        memory, share = self.statistics.memory, self.statistics.video_share
        overlap = 2 * np.sqrt(np.outer(memory, memory)) / np.add.outer(memory, memory)
        kept = np.sqrt(np.outer(share, share)) + np.sqrt(np.outer(1 - share, 1 - share)) * overlap
        wanted = latent_correlation(self.statistics.correlation, self.threshold) / kept
        values, vectors = np.linalg.eigh(wanted)
        root = vectors * np.sqrt(np.maximum(values, 1e-6)) @ vectors.T
        return root / np.linalg.norm(root, axis=1, keepdims=True)  # unit variance


def latent_correlation(binary: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """``(N, N)`` correlation of Gaussians that, cut at their ``(N,)`` thresholds, correlate as ``binary`` says.

    The chance that both lie above their thresholds a, b grows with their correlation r by the Gaussian density
    at (a, b) (Plackett 1954); it is tabulated over r and read backwards.
    """
    steps = np.linspace(-0.98, 0.98, 785)
    latent = np.eye(len(threshold))
    for i, j in zip(*np.triu_indices(len(threshold), 1), strict=True):
        a, b = threshold[i], threshold[j]
        density = np.exp(-(a * a - 2 * steps * a * b + b * b) / (2 * (1 - steps**2))) / np.sqrt(1 - steps**2)
        covariance = cumulative_trapezoid(density, steps, initial=0) / (2 * np.pi)
        covariance -= np.interp(0, steps, covariance)
        p, q = norm.sf(a), norm.sf(b)
        table = covariance / np.sqrt(p * (1 - p) * q * (1 - q))
        latent[i, j] = latent[j, i] = np.interp(binary[i, j], table, steps)
    return latent


def run_lengths(track: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the runs of equal labels in an ``(F,)`` track, and the label of each."""
    starts = np.flatnonzero(np.diff(track, prepend=1 - track[0]))
    return np.diff(starts, append=len(track)), track[starts]
