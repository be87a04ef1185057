"""Statistics of the agreement of two codings of the same frames.

All functions accept leading dimensions, so that one call computes all bootstrap samples. Undefined values are NaN.

References: Cohen 1960 (kappa); Gwet 2008, "Computing inter-rater reliability and its variance in the presence of high
agreement" (AC1); Shrout and Fleiss 1979, "Intraclass correlations" (ICC(3,1)).
"""

from collections.abc import Sequence

import numpy as np

from mdhr.action_units import MISSING

Events = Sequence[tuple[float, float]]
"""Start and end (exclusive) in seconds, disjoint and ordered by time."""
_EPSILON = 1e-9
"""Seconds; events that touch do not overlap."""


def confusion(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ``(2, 2)`` numbers of frames by value of ``a`` (row) and of ``b`` (column), without ``MISSING`` frames."""
    known = (a != MISSING) & (b != MISSING)
    return np.bincount(2 * a[known].astype(int) + b[known], minlength=4).reshape(2, 2)


def rates(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of frames that a and b code as active, from counts ``(..., 2, 2)``."""
    total = counts.sum((-2, -1))
    return _ratio(counts[..., 1, :].sum(-1), total), _ratio(counts[..., :, 1].sum(-1), total)


def f1_score(counts: np.ndarray) -> np.ndarray:
    """Return F1, which is symmetric; NaN without active frames in both codings."""
    return _ratio(2 * counts[..., 1, 1], counts[..., 1, :].sum(-1) + counts[..., :, 1].sum(-1))


def cohen_kappa(counts: np.ndarray) -> np.ndarray:
    """Return Cohen's kappa; NaN if both code all frames equally with one value."""
    rate_a, rate_b = rates(counts)
    return _chance_corrected(counts, rate_a * rate_b + (1 - rate_a) * (1 - rate_b))


def gwet_ac1(counts: np.ndarray) -> np.ndarray:
    """Return Gwet's AC1, which is stable for rare action units, unlike kappa."""
    rate_a, rate_b = rates(counts)
    mean_rate = (rate_a + rate_b) / 2
    return _chance_corrected(counts, 2 * mean_rate * (1 - mean_rate))


def rating_moments(ratings: np.ndarray) -> np.ndarray:
    """Return the sums from which :func:`icc_3_1` is computed; moments of several groups of targets can be added.

    Args:
        ratings: ``(targets, k)`` of k raters, without missing values.

    Returns:
        ``(k + 3,)``: number of targets, sum of squares, sum of squared sums of targets, and sum per rater.
    """
    sums = ratings.sum(1)
    return np.array([len(ratings), (ratings**2).sum(), (sums**2).sum(), *ratings.sum(0)], dtype=float)


def icc_3_1(moments: np.ndarray) -> np.ndarray:
    """Return the consistency of single ratings, ICC(3,1), from moments ``(..., k + 3)``.

    NaN for fewer than two targets, or if no rating differs between targets.
    """
    n, squares, squared_sums, by_rater = moments[..., 0], moments[..., 1], moments[..., 2], moments[..., 3:]
    k = by_rater.shape[-1]
    correction = _ratio(by_rater.sum(-1) ** 2, n * k)
    between = squared_sums / k - correction
    error = squares - correction - between - (_ratio((by_rater**2).sum(-1), n) - correction)
    # Rounding can leave a negative sum of squares of equal ratings.
    between, error = (np.where(part < 1e-9 * np.maximum(squares, 1), 0, part) for part in (between, error))
    mean_square, error_square = _ratio(between, n - 1), _ratio(error, (n - 1) * (k - 1))
    return _ratio(mean_square - error_square, mean_square + (k - 1) * error_square)


def active_events(labels: np.ndarray, *, fps: float) -> list[tuple[float, float]]:
    """Return the runs of active frames of ``(F,)`` labels as events in seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels == 1, [0]]).astype(int)))
    return [(float(start) / fps, float(end) / fps) for start, end in edges.reshape(-1, 2)]


def count_matches(a: Events, b: Events, *, tolerance: float) -> int:
    """Return the largest number of one-to-one pairs of an event of ``a`` and one of ``b`` that overlap.

    Args:
        tolerance: seconds by which an event is widened on both sides.
    """
    i = j = matches = 0
    while i < len(a) and j < len(b):
        if a[i][0] - tolerance < b[j][1] - _EPSILON and b[j][0] < a[i][1] + tolerance - _EPSILON:
            i, j, matches = i + 1, j + 1, matches + 1
        elif a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return matches


def event_counts(a: np.ndarray, b: np.ndarray, *, fps: float, tolerance: float) -> np.ndarray:
    """Return the numbers of matches, events of ``a`` and events of ``b`` of one video.

    A frame that is ``MISSING`` in one coding ends an event in both.
    """
    known = (a != MISSING) & (b != MISSING)
    events = [active_events(np.where(known, labels, 0), fps=fps) for labels in (a, b)]
    return np.array([count_matches(*events, tolerance=tolerance), *map(len, events)])


def event_recall(counts: np.ndarray) -> np.ndarray:
    """Return the share of events of a with a match, from counts ``(..., 3)`` of :func:`event_counts`."""
    return _ratio(counts[..., 0], counts[..., 1])


def event_precision(counts: np.ndarray) -> np.ndarray:
    """Return the share of events of b with a match."""
    return _ratio(counts[..., 0], counts[..., 2])


def _chance_corrected(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    observed = _ratio(counts[..., 0, 0] + counts[..., 1, 1], counts.sum((-2, -1)))
    return _ratio(observed - expected, 1 - expected)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the quotient, NaN where the denominator is not above 0."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    defined = denominator > 1e-12
    return np.where(defined, numerator / np.where(defined, denominator, 1), np.nan)
