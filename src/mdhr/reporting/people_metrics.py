"""Metrics of a prediction table with bootstrap intervals over people.

Frames of one person are not independent, so the bootstrap draws people, not frames. Letters: F frames, P people, N action
units.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING
from mdhr.training.frame_scores import action_unit_columns, scores_and_labels

NUM_RESAMPLES = 1000
INTERVAL = (2.5, 97.5)
"""Percentiles of the resampled values: a 95 % interval."""
ALL = "all"
"""Group of subjects without a suffix, and training group of runs that use all subjects."""


@dataclass(frozen=True)
class PeopleMetrics:
    """Metrics of a group of people. Arrays have shape ``(N,)``; undefined values are NaN."""

    num_people: int
    num_frames: int
    f1: np.ndarray
    always_positive_f1: np.ndarray
    """F1 of predicting an occurrence in every frame."""
    auc: np.ndarray
    """Area under the ROC curve over all frames."""
    auc_within_clips: np.ndarray
    """Mean over the clips that contain both labels. A constant offset between people does not change it."""
    f1_gain_interval: tuple[float, float]
    """Interval of the mean F1 minus that of the always-positive baseline."""
    auc_interval: tuple[float, float]
    """Interval of the mean AUC."""

    @property
    def f1_gain(self) -> float:
        """Mean F1 minus that of the always-positive baseline."""
        return float(np.nanmean(self.f1 - self.always_positive_f1))


def people_metrics(
    predictions: pd.DataFrame, *, threshold: float, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> PeopleMetrics:
    """Return the metrics of a prediction table, see :mod:`mdhr.training.frame_scores`.

    Args:
        threshold: a score of at least this predicts an occurrence.
        num_resamples: bootstrap samples of people.
        seed: seed of the bootstrap.
    """
    scores, labels = scores_and_labels(predictions)
    people, person = np.unique(predictions["subject"].to_numpy(), return_inverse=True)
    _, clip = np.unique(predictions["subject"] + "/" + predictions["task"], return_inverse=True)
    f1_counts = _counts_by_person(scores >= threshold, labels, person)
    curves = [RocCurve(scores[:, n], labels[:, n], person) for n in range(scores.shape[1])]

    def draw(weight: np.ndarray) -> tuple[float, float]:
        f1, always = _f1(*(np.tensordot(weight, each, 1) for each in f1_counts))
        return float(np.nanmean(f1 - always)), float(np.nanmean([curve.area(weight) for curve in curves]))

    everybody = np.ones(len(people))
    rng = np.random.default_rng(seed)
    samples = rng.multinomial(len(people), everybody / len(people), size=num_resamples)
    gains, areas = zip(*map(draw, samples), strict=True)
    f1, always = _f1(*(each.sum(0) for each in f1_counts))
    return PeopleMetrics(
        num_people=len(people),
        num_frames=len(predictions),
        f1=f1,
        always_positive_f1=always,
        auc=np.array([curve.area(everybody) for curve in curves]),
        auc_within_clips=np.array([_auc_within(scores[:, n], labels[:, n], clip) for n in range(scores.shape[1])]),
        f1_gain_interval=_interval(gains),
        auc_interval=_interval(areas),
    )


def subject_group(subject: str) -> str:
    """Return the part of a subject's name after the last hyphen, or ``all`` if there is none."""
    _, hyphen, group = subject.rpartition("-")
    return group if hyphen else ALL


def subject_auc(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the AUC of each subject (rows) and action unit (columns) over its frames; NaN unless both labels occur."""
    scores, labels = scores_and_labels(predictions)
    subjects, subject = np.unique(predictions["subject"].to_numpy(), return_inverse=True)
    areas = [_areas(scores[:, n], labels[:, n], subject) for n in range(scores.shape[1])]
    return pd.DataFrame(
        np.stack(areas, 1), index=pd.Index(subjects, name="subject"), columns=action_unit_columns(predictions)
    )


class RocCurve:
    """Scores of one action unit, prepared for the areas under the ROC curve of many weights of people.

    Args:
        scores, labels, person: ``(F,)`` score, label 0, 1 or ``MISSING``, and index of the person.
    """

    def __init__(self, scores: np.ndarray, labels: np.ndarray, person: np.ndarray) -> None:
        known = labels != MISSING
        distinct, rank = np.unique(scores[known], return_inverse=True)
        positive, negative = np.zeros((2, len(distinct), int(person.max(initial=-1)) + 1))  # frames by rank and person
        np.add.at(positive, (rank, person[known]), labels[known] == 1)
        np.add.at(negative, (rank, person[known]), labels[known] != 1)
        self._num_positive, self._num_negative = positive.sum(0), negative.sum(0)
        # Of a positive frame of person p and a negative frame of person q, the positive one has the higher score.
        self._num_ordered = positive.T @ (negative.cumsum(0) - negative / 2)

    def area(self, weight: np.ndarray) -> float:
        """Return the area if person p counts ``weight[p]`` times; NaN unless both labels occur.

        It is the share of pairs of a positive and a negative frame in which the positive one has the higher score;
        equal scores count half.
        """
        pairs = (weight @ self._num_positive) * (weight @ self._num_negative)
        return float(weight @ self._num_ordered @ weight / pairs) if pairs else np.nan


def _counts_by_person(predicted: np.ndarray, labels: np.ndarray, person: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return four arrays ``(P, N)``: true positives, positive predictions, positive labels and labeled frames."""
    known, present = labels != MISSING, labels == 1
    counts = (predicted & present, predicted & known, present, known)
    totals = [np.zeros((person.max() + 1, labels.shape[1])) for _ in counts]
    for total, count in zip(totals, counts, strict=True):
        np.add.at(total, person, count)
    return tuple(totals)


def _f1(
    true_positive: np.ndarray, predicted: np.ndarray, present: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return F1 and the F1 of the always-positive baseline; 0 if nothing is positive, NaN if nothing is labeled."""
    known = np.where(known > 0, known, np.nan)
    f1 = 2 * true_positive / np.maximum(predicted + present, 1)
    return np.where(np.isnan(known), np.nan, f1), 2 * present / (present + known)


def _areas(scores: np.ndarray, labels: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of every group of frames; NaN unless both labels occur."""
    return np.array(
        [
            RocCurve(scores[group == g], labels[group == g], np.zeros(int((group == g).sum()), int)).area(np.ones(1))
            for g in range(group.max() + 1)
        ]
    )


def _auc_within(scores: np.ndarray, labels: np.ndarray, clip: np.ndarray) -> float:
    areas = _areas(scores, labels, clip)
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else np.nan


def _interval(values: tuple[float, ...]) -> tuple[float, float]:
    low, high = np.nanpercentile(values, INTERVAL)
    return float(low), float(high)
