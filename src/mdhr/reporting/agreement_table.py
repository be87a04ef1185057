"""Table of the agreement of two codings, with bootstrap intervals over subjects or videos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mdhr.reporting.agreement_statistics import (
    cohen_kappa,
    confusion,
    event_counts,
    event_precision,
    event_recall,
    f1_score,
    gwet_ac1,
    icc_3_1,
    rates,
    rating_moments,
)

NUM_RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
"""Percentiles of the resampled values: a 95 % interval."""
MEAN = "mean"
"""Name of the last row."""

STATISTICS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "f1": ("frames", f1_score),
    "kappa": ("frames", cohen_kappa),
    "ac1": ("frames", gwet_ac1),
    "icc": ("intensities", icc_3_1),
    "event_precision": ("events", event_precision),
    "event_recall": ("events", event_recall),
}
"""Kind of the counts and function of each statistic with an interval."""


@dataclass(frozen=True, kw_only=True)
class CodedPair:
    """Two codings of one video with F frames and N action units.

    Attributes:
        video, subject: names.
        fps: frames per second.
        labels_a, labels_b: ``(F, N)`` int8: 0, 1 or ``MISSING``.
        intensities_a, intensities_b: ``(F, N)`` 0 to 5, or NaN; None if the coding has no intensities.
    """

    video: str
    subject: str
    fps: float
    labels_a: np.ndarray
    labels_b: np.ndarray
    intensities_a: np.ndarray | None = None
    intensities_b: np.ndarray | None = None


def bootstrap_unit(pairs: Sequence[CodedPair]) -> str:
    """Return what the bootstrap samples: ``subject``, ``video`` for one subject, or an empty text for one video."""
    if len({pair.subject for pair in pairs}) > 1:
        return "subject"
    return "video" if len(pairs) > 1 else ""


def agreement_table(
    pairs: Sequence[CodedPair],
    columns: Sequence[str],
    *,
    tolerance: float,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
) -> pd.DataFrame:
    """Return one row per action unit and a last row with means over action units.

    Columns: ``au``; ``frames`` that both code; ``rate_a``, ``rate_b``: shares of active frames; ``bias``: rate_b - rate_a;
    every statistic of :data:`STATISTICS` with ``<name>_low`` and ``<name>_high``; ``events_a``, ``events_b``. Undefined
    values are NaN; the means exclude them. Intervals are NaN without a :func:`bootstrap_unit`.

    Args:
        columns: names of the N action units.
        tolerance: see :func:`mdhr.reporting.agreement_statistics.count_matches`.
        seed: seed of the bootstrap.
    """
    unit = bootstrap_unit(pairs)
    names = [pair.subject if unit == "subject" else pair.video for pair in pairs]
    groups, group = np.unique(names, return_inverse=True)
    counts = {
        kind: _sum_by_group([count(pair, tolerance) for pair in pairs], group, len(groups))
        for kind, count in (("frames", _frame_counts), ("events", _event_counts), ("intensities", _moments))
    }
    totals = {kind: values.sum(0) for kind, values in counts.items()}
    rate_a, rate_b = rates(totals["frames"])
    table = pd.DataFrame({"au": list(columns), "frames": totals["frames"].sum((-2, -1)).astype(int)})
    table = table.assign(rate_a=rate_a, rate_b=rate_b, bias=rate_b - rate_a)
    samples = np.random.default_rng(seed).multinomial(
        len(groups), np.full(len(groups), 1 / len(groups)), size=num_resamples
    )
    means: dict[str, object] = {"au": MEAN, **_means(table[["rate_a", "rate_b", "bias"]])}
    for name, (kind, statistic) in STATISTICS.items():
        values = statistic(totals[kind])
        resampled = statistic(np.tensordot(samples, counts[kind], 1)) if unit else np.full((1, len(columns)), np.nan)
        low, high = _percentiles(resampled)
        table = table.assign(**{name: values, f"{name}_low": low, f"{name}_high": high})
        defined = ~np.isnan(values)
        low, high = _percentiles(_row_means(resampled[:, defined])[:, None])
        means |= {name: _row_means(values[None])[0], f"{name}_low": low[0], f"{name}_high": high[0]}
    table = table.assign(events_a=totals["events"][:, 1].astype(int), events_b=totals["events"][:, 2].astype(int))
    means |= {name: table[name].sum() for name in ("events_a", "events_b")} | {"frames": table["frames"].max()}
    return pd.concat([table, pd.DataFrame([means])], ignore_index=True)[table.columns.tolist()]


def _frame_counts(pair: CodedPair, _: float) -> np.ndarray:
    return np.stack([confusion(a, b) for a, b in zip(pair.labels_a.T, pair.labels_b.T, strict=True)])


def _event_counts(pair: CodedPair, tolerance: float) -> np.ndarray:
    columns = zip(pair.labels_a.T, pair.labels_b.T, strict=True)
    return np.stack([event_counts(a, b, fps=pair.fps, tolerance=tolerance) for a, b in columns])


def _moments(pair: CodedPair, _: float) -> np.ndarray:
    if pair.intensities_a is None or pair.intensities_b is None:
        return np.zeros((pair.labels_a.shape[1], 5))
    ratings = np.stack([pair.intensities_a, pair.intensities_b], -1)
    return np.stack([rating_moments(each[~np.isnan(each).any(1)]) for each in ratings.swapaxes(0, 1)])


def _sum_by_group(counts: Sequence[np.ndarray], group: np.ndarray, num_groups: int) -> np.ndarray:
    total = np.zeros((num_groups, *counts[0].shape))
    np.add.at(total, group, np.stack(counts))
    return total


def _percentiles(resampled: np.ndarray) -> np.ndarray:
    """Return the interval of each column, ``(2, N)``; undefined samples are left out."""
    limits = np.full((2, resampled.shape[1]), np.nan)
    for n, values in enumerate(resampled.T):
        if (~np.isnan(values)).any():
            limits[:, n] = np.nanpercentile(values, PERCENTILES)
    return limits


def _row_means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each row without NaN; NaN for a row without values."""
    number = (~np.isnan(values)).sum(1)
    return np.where(number > 0, np.nansum(values, 1) / np.maximum(number, 1), np.nan)


def _means(table: pd.DataFrame) -> dict[str, float]:
    return {str(name): float(value) for name, value in table.mean().items()}
