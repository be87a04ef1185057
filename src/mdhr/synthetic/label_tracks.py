"""Label tracks with the occurrence rates, run lengths, and correlations of real data sets.

An action unit occurs while a latent Gaussian process exceeds a threshold. Each process is the sum of a constant per
video, because subjects and tasks differ, and a process with the action unit's own time scale (Matern covariance 3/2,
which avoids flicker and periodicity). Correlated noise drives the processes of different action units. The parameters
are in ``assets/label_statistics.yaml``: time scale and video share are fitted, the rest is measured on real labels.

Letters: F frames, N action units.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Self

import numpy as np
import yaml
from scipy.integrate import cumulative_trapezoid
from scipy.ndimage import grey_closing, grey_opening
from scipy.stats import norm

MIN_RUN = 4
"""Minimum run length in frames, as in real annotations. Shorter gaps are filled, then shorter runs are removed."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelStatistics:
    """Statistics of the labels of a data set, per action unit.

    Attributes:
        aus: the N action units.
        fps: frame rate that run lengths and time scales refer to.
        rate: ``(N,)`` fraction of frames in which the action unit occurs.
        on_run_median: ``(N,)`` median length in frames of uninterrupted occurrences.
        correlation: ``(N, N)`` correlation of the binary labels.
        time_scale: ``(N,)`` time scale of the latent process in frames.
        video_share: ``(N,)`` fraction of the latent variance that is constant within a video.
    """

    aus: tuple[int, ...]
    fps: float
    rate: np.ndarray
    on_run_median: np.ndarray
    correlation: np.ndarray
    time_scale: np.ndarray
    video_share: np.ndarray

    @classmethod
    def load(cls, name: str) -> Self:
        """Return the statistics of the real labels of ``BP4D`` or ``DISFA``."""
        values = yaml.safe_load(files("mdhr.synthetic").joinpath("assets/label_statistics.yaml").read_text())[name]
        arrays = {key: np.array(value, float) for key, value in values.items() if key not in ("aus", "fps")}
        return cls(aus=tuple(values["aus"]), fps=values["fps"], **arrays)

    @classmethod
    def combined(cls) -> Self:
        """Return the statistics of BP4D, extended by the action units that only DISFA labels.

        Correlations between an action unit of each data set are those of DISFA, or 0 if DISFA does not label both.
        """
        bp4d, disfa = cls.load("BP4D"), cls.load("DISFA")
        added = tuple(au for au in disfa.aus if au not in bp4d.aus)
        aus = bp4d.aus + added
        new = [disfa.aus.index(au) for au in added]
        speed = bp4d.fps / disfa.fps
        correlation = np.eye(len(aus))
        correlation[: len(bp4d.aus), : len(bp4d.aus)] = bp4d.correlation
        for au in added:
            for other in disfa.aus:
                i, j = aus.index(au), aus.index(other)
                value = disfa.correlation[disfa.aus.index(au), disfa.aus.index(other)]
                correlation[i, j] = correlation[j, i] = value
        return cls(
            aus=aus,
            fps=bp4d.fps,
            rate=np.append(bp4d.rate, disfa.rate[new]),
            on_run_median=np.append(bp4d.on_run_median, speed * disfa.on_run_median[new]),
            correlation=correlation,
            time_scale=np.append(bp4d.time_scale, speed * disfa.time_scale[new]),
            video_share=np.append(bp4d.video_share, disfa.video_share[new]),
        )

    def select(self, aus: tuple[int, ...], *, rate_factor: float) -> "LabelStatistics":
        """Return the statistics of some action units, with their rates multiplied by ``rate_factor``."""
        chosen = [self.aus.index(au) for au in aus]
        return LabelStatistics(
            aus=aus,
            fps=self.fps,
            rate=rate_factor * self.rate[chosen],
            on_run_median=self.on_run_median[chosen],
            correlation=self.correlation[np.ix_(chosen, chosen)],
            time_scale=self.time_scale[chosen],
            video_share=self.video_share[chosen],
        )


class LabelTrackSampler:
    """Sampler of label tracks that match ``statistics``."""

    def __init__(self, statistics: LabelStatistics) -> None:
        self.statistics = statistics
        self.threshold = norm.isf(statistics.rate)  # N

    def sample(self, *, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """Return the int8 labels ``(F, N)`` of a video."""
        statistics = self.statistics
        if not statistics.aus:
            return np.zeros((num_frames, 0), np.int8)
        video_value = self.sample_latent(rng)  # N
        share = statistics.video_share
        latent = np.sqrt(share) * video_value + np.sqrt(1 - share) * self._latent_process(rng, num_frames)
        track = (latent > self.threshold).astype(np.int8)
        return grey_opening(grey_closing(track, size=(MIN_RUN, 1)), size=(MIN_RUN, 1))

    def sample_latent(self, rng: np.random.Generator) -> np.ndarray:
        """Return standard normal values ``(N,)`` with the correlation of the action units."""
        return self._mixing @ rng.normal(size=len(self.statistics.aus))

    def _latent_process(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """Return stationary Gaussian processes ``(F, N)`` of unit variance: colored, correlated noise."""
        time_scale = self.statistics.time_scale
        period = num_frames + 10 * int(np.ceil(time_scale.max()))  # decorrelates the end from the start
        white = rng.normal(size=(period, len(time_scale))) @ self._mixing.T
        gain = 1 / (1 + (2 * np.pi * np.fft.fftfreq(period)[:, None] * time_scale) ** 2)  # square root of the spectrum
        gain /= np.sqrt((gain**2).mean(0))
        return np.fft.ifft(np.fft.fft(white, axis=0) * gain, axis=0).real[:num_frames]

    @cached_property
    def _mixing(self) -> np.ndarray:
        """Matrix ``(N, N)`` that mixes white noise so that the binary labels have the target correlation.

        Noise with correlation r that drives two processes of time scales s and t gives them the correlation
        r 2 sqrt(s t) / (s + t); the constant part of a video keeps r. The target is divided by this factor. If the
        result is not a valid correlation matrix, its negative eigenvalues are clipped.
        """
        scale, share = self.statistics.time_scale, self.statistics.video_share
        overlap = 2 * np.sqrt(np.outer(scale, scale)) / np.add.outer(scale, scale)
        attenuation = np.sqrt(np.outer(share, share)) + np.sqrt(np.outer(1 - share, 1 - share)) * overlap
        target = latent_correlation(self.statistics.correlation, self.threshold) / attenuation
        values, vectors = np.linalg.eigh(target)
        root = vectors * np.sqrt(np.maximum(values, 1e-6)) @ vectors.T
        return root / np.linalg.norm(root, axis=1, keepdims=True)  # unit variance


def latent_correlation(binary: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Return the correlation ``(N, N)`` of Gaussians whose thresholded values have the correlation ``binary``.

    The derivative of the probability that both exceed their thresholds a and b with respect to their correlation r is
    the Gaussian density at (a, b) (Plackett 1954). Its integral is tabulated over r and inverted by interpolation.
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
    """Return the lengths of the runs of equal labels in a track ``(F,)``, and the label of each run."""
    starts = np.flatnonzero(np.diff(track, prepend=1 - track[0]))
    return np.diff(starts, append=len(track)), track[starts]
