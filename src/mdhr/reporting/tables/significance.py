"""Is one system better than another on the same people? Paired t-tests (paper Table 6).

The paper does not say what a pair is. Ours is a *subject*: each is tested in exactly one fold, and people are what the
test wants to generalize over. A subject's value is the mean over action units of F1 pooled over all of the subject's
frames. Where an action unit has neither a positive label nor a positive prediction F1 is 0 / 0; for a subject who never
shows it that is the wanted outcome, so a 0 would punish silence, and a 1 reward it with as much weight as finding all
of a smile. Such a cell is left out, of both systems, so that they are compared over the same action units; the other
two readings are one argument away (``undefined``). A pair of *action units* is given beside it: few, and not
independent, as all of them are of the same frames.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mdhr.data.prepared.manifest import KEY
from mdhr.errors import InputError


@dataclass(frozen=True)
class PairedTest:
    """Outcome of a two-sided paired t-test of the first system against the second; NaN where it is not defined."""

    pairs: int
    difference: float
    """Mean of first minus second."""
    low: float
    high: float
    """95 % confidence interval of the difference."""
    t: float
    p: float
    effect: float
    """Cohen's d_z: mean of the differences over their standard deviation."""

    @property
    def in_words(self) -> str:
        """Why there is no p; empty where there is one."""
        if not math.isnan(self.p):
            return ""
        if self.pairs < 2:
            return f"{self.pairs} pair{'' if self.pairs == 1 else 's'}: a test needs two"
        return f"both systems have the same value in all {self.pairs} pairs: there is nothing to test"


def paired_test(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> PairedTest:
    """Test paired values; pairs with a NaN take no part.

    Raises ``InputError`` if there are not as many of one as of the other.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.shape != b.shape:
        raise InputError(f"{len(a)} values cannot be paired with {len(b)}: give both of the same subjects")
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    difference = a - b
    mean = float(difference.mean()) if len(a) else math.nan
    if len(a) < 2 or not difference.any():  # scipy would warn, and its interval is [NaN, NaN]
        return PairedTest(len(a), mean, math.nan, math.nan, math.nan, math.nan, math.nan)
    with warnings.catch_warnings():  # the same difference everywhere: p is 0, and scipy doubts its digits
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.ttest_rel(a, b)
        interval = found.confidence_interval(0.95)
        deviation = float(difference.std(ddof=1))
        effect = mean / deviation if deviation > 0 else math.copysign(math.inf, mean)
    return PairedTest(
        len(a), mean, float(interval.low), float(interval.high), float(found.statistic), float(found.pvalue), effect
    )


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p values, in the order given; a NaN stays one and counts as no test."""
    adjusted = np.full(len(p), math.nan)
    tested = ~np.isnan(np.asarray(p, float))
    if tested.any():
        adjusted[tested] = multipletests(np.asarray(p, float)[tested], method="holm")[1]
    return adjusted


def subject_f1(predictions: pd.DataFrame, *, threshold: float) -> pd.DataFrame:
    """F1 of every subject (rows) and action unit (columns), pooled over all of the subject's labeled frames.

    NaN where neither a label nor a prediction is positive.

    Parameters
    ----------
    predictions: as in ``predictions.parquet``: one row a frame.
    """
    columns = [column.removeprefix("score_") for column in predictions if str(column).startswith("score_")]
    called = predictions[[f"score_{column}" for column in columns]].to_numpy() >= threshold
    labels = predictions[[f"label_{column}" for column in columns]].to_numpy()
    by_subject = {
        # F1 = 2 TP / (2 TP + FP + FN): the denominator counts what was called and what is there.
        "hits": called & (labels == 1),
        "positive": (called & (labels >= 0)).astype(int) + (labels == 1),
    }
    hits, positive = (
        pd.DataFrame(counts, columns=columns).groupby(predictions["subject"].to_numpy()).sum()
        for counts in by_subject.values()
    )
    return (2 * hits / positive.where(positive > 0)).rename_axis("subject")


def paired_subjects(first: pd.DataFrame, second: pd.DataFrame, *, undefined: float = math.nan) -> pd.DataFrame:
    """Mean F1 of every subject, from :func:`subject_f1` of two systems: columns ``first``, ``second``.

    Parameters
    ----------
    undefined: value of an F1 of 0 / 0; NaN leaves the action unit out for the subject, in both systems.
    """
    f1 = np.stack([first, second])  # 2 subjects aus
    f1[np.isnan(f1)] = undefined
    defined = ~np.isnan(f1).any(0)
    means = np.where(defined, f1, 0).sum(-1) / np.where(defined.any(-1), defined.sum(-1), np.nan)
    return pd.DataFrame({"first": means[0], "second": means[1]}, index=first.index)


def frames_fingerprint(predictions: pd.DataFrame) -> tuple[int, int]:
    """How many frames a system was tested on, and a number that differs unless frames and labels are the same.

    The order of the rows plays no part.
    """
    columns = [*KEY, *sorted(str(column) for column in predictions if str(column).startswith("label_"))]
    rows = pd.util.hash_pandas_object(predictions[columns], index=False)
    return len(rows), int(rows.sum())
