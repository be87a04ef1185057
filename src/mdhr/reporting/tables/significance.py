"""Paired t-tests between two networks on the same subjects (paper, Table 6).

The paper does not define its pairs. Here a pair is a *subject*: each subject is tested in exactly one fold, and the test
should generalize over subjects. The value of a subject is the mean over action units of the F1 over all of its frames.

F1 is 0 / 0 if an action unit has neither a positive label nor a positive prediction. Such a cell is excluded for both
networks, so that both are compared over the same action units: 0 would penalize a correct absence of predictions, and 1
would reward it as much as detecting every frame of a smile. ``undefined`` selects the two alternatives. Pairs of *action
units* are reported as well; they are few and not independent, because all of them come from the same frames.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mdhr.data.prepared.manifest import KEY
from mdhr.errors import InputError
from mdhr.training.frame_scores import action_unit_columns, read_predictions


@dataclass(frozen=True)
class PairedTest:
    """Result of a two-sided paired t-test of the first network against the second; NaN where it is undefined."""

    pairs: int
    difference: float
    """Mean of first minus second."""
    low: float
    high: float
    """95 % confidence interval of the difference."""
    t: float
    p: float
    effect: float
    """Cohen's d_z: mean of the differences divided by their standard deviation."""

    @property
    def undefined(self) -> str:
        """The reason why there is no p; empty if there is one."""
        if not math.isnan(self.p):
            return ""
        if self.pairs < 2:
            return f"{self.pairs} pair{'' if self.pairs == 1 else 's'}: a test requires two"
        return f"no difference in any of the {self.pairs} pairs"


def paired_test(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> PairedTest:
    """Return the test over paired values, ignoring pairs with a NaN.

    Raises ``InputError`` if the lengths differ.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.shape != b.shape:
        raise InputError(f"cannot pair {len(a)} values with {len(b)}: both networks need values of the same subjects")
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    difference = a - b
    mean = float(difference.mean()) if len(a) else math.nan
    if len(a) < 2 or not difference.any():  # scipy would warn and return an interval of NaN
        return PairedTest(len(a), mean, math.nan, math.nan, math.nan, math.nan, math.nan)
    with warnings.catch_warnings():  # scipy warns about precision if all differences are equal
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.ttest_rel(a, b)
        interval = found.confidence_interval(0.95)
        deviation = float(difference.std(ddof=1))
        effect = mean / deviation if deviation > 0 else math.copysign(math.inf, mean)
    return PairedTest(
        len(a), mean, float(interval.low), float(interval.high), float(found.statistic), float(found.pvalue), effect
    )


def holm(p: Sequence[float]) -> np.ndarray:
    """Return Holm-adjusted p values in the given order; NaN stays NaN and does not count as a test."""
    adjusted = np.full(len(p), math.nan)
    tested = ~np.isnan(np.asarray(p, float))
    if tested.any():
        adjusted[tested] = multipletests(np.asarray(p, float)[tested], method="holm")[1]
    return adjusted


def subject_f1(predictions: pd.DataFrame, *, threshold: float) -> pd.DataFrame:
    """Return the F1 of each subject (rows) and action unit (columns) over all labeled frames of the subject.

    NaN where neither a label nor a prediction is positive.

    Args:
        predictions: prediction table with one row per frame, see ``mdhr.training.frame_scores``.
    """
    columns = action_unit_columns(predictions)
    predicted = predictions[[f"score_{column}" for column in columns]].to_numpy() >= threshold
    labels = predictions[[f"label_{column}" for column in columns]].to_numpy()
    counts_by_name = {
        # F1 = 2 TP / (2 TP + FP + FN): the denominator is the number of positive predictions and positive labels.
        "true_positive": predicted & (labels == 1),
        "positive": (predicted & (labels >= 0)).astype(int) + (labels == 1),
    }
    true_positive, positive = (
        pd.DataFrame(counts, columns=columns).groupby(predictions["subject"].to_numpy()).sum()
        for counts in counts_by_name.values()
    )
    return (2 * true_positive / positive.where(positive > 0)).rename_axis("subject")


def paired_subjects(first: pd.DataFrame, second: pd.DataFrame, *, undefined: float = math.nan) -> pd.DataFrame:
    """Return the mean over action units of each subject for two networks in the columns ``first`` and ``second``.

    Args:
        first, second: metric of each subject (rows) and action unit (columns), such as :func:`subject_f1`.
        undefined: replaces NaN, such as an F1 of 0 / 0; NaN excludes the action unit of that subject for both networks.
    """
    values = np.stack([first, second])  # 2 subjects aus
    values[np.isnan(values)] = undefined
    defined = ~np.isnan(values).any(0)
    means = np.where(defined, values, 0).sum(-1) / np.where(defined.any(-1), defined.sum(-1), np.nan)
    return pd.DataFrame({"first": means[0], "second": means[1]}, index=first.index)


def frames_fingerprint(predictions: pd.DataFrame) -> tuple[int, int]:
    """Return the number of frames and a hash of frames and labels that does not depend on the order of rows."""
    columns = [*KEY, *sorted(str(column) for column in predictions if str(column).startswith("label_"))]
    rows = pd.util.hash_pandas_object(predictions[columns], index=False)
    return len(rows), int(rows.sum())


class SubjectResult(NamedTuple):
    """Metric of each subject (rows) and action unit (columns) in one run, and fingerprint of the tested frames."""

    values: pd.DataFrame
    frames: tuple[int, int]


def subject_result(folder: str, metric: Callable[[pd.DataFrame], pd.DataFrame]) -> SubjectResult:
    """Return the metric of each subject in the run in a folder. Raises ``InputError`` if predictions are missing.

    Args:
        metric: maps the prediction table to values, such as :func:`subject_f1`.
    """
    predictions = read_predictions(Path(folder))
    return SubjectResult(metric(predictions), frames_fingerprint(predictions))


def subject_pairs(
    folders: Iterable[tuple[str, str]], result: Callable[[str], SubjectResult], *, undefined: float = math.nan
) -> pd.DataFrame:
    """Return the mean value of each subject over runs for two networks in the columns ``first`` and ``second``.

    Args:
        folders: folders of the runs of both networks with equal fold and seed.
        result: maps a folder to its result; cache it if a run is in several pairs.
        undefined: see :func:`paired_subjects`.

    Raises ``InputError`` if two runs were tested on different frames.
    """
    parts = []
    for first, second in folders:
        a, b = result(first), result(second)
        if a.frames != b.frames:
            raise InputError(
                f"{first} and {second} were tested on different frames or labels: the data set was prepared again "
                "between the runs. Delete the older run and run it again."
            )
        parts.append(paired_subjects(a.values, b.values, undefined=undefined))
    if not parts:
        return pd.DataFrame({"first": [], "second": []})
    return pd.concat(parts).groupby("subject").mean()
