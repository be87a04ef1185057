"""Tests of the paired t-tests against explicit formulas and scikit-learn."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from sklearn.metrics import f1_score

from mdhr.errors import InputError
from mdhr.reporting.tables.significance import frames_fingerprint, holm, paired_subjects, paired_test, subject_f1


def two_sided_p(t: float, degrees: int) -> float:
    """Return p from the numerically integrated density of Student's t."""
    constant = math.gamma((degrees + 1) / 2) / (math.sqrt(degrees * math.pi) * math.gamma(degrees / 2))
    tail, _ = quad(lambda x: constant * (1 + x * x / degrees) ** (-(degrees + 1) / 2), abs(t), math.inf)
    return 2 * tail


def holm_by_hand(values: list[float]) -> list[float]:
    """Smallest p times m, next p times m - 1, ..., non-decreasing and at most 1."""
    order, adjusted, highest = sorted(range(len(values)), key=values.__getitem__), [0.0] * len(values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[i]))
        adjusted[i] = highest
    return adjusted


def table_of(
    labels: np.ndarray, scores: np.ndarray, *, subjects: list[str] | None = None, frames_each: int = 4
) -> pd.DataFrame:
    """Prediction table of AU1, AU2, ... with ``frames_each`` rows per subject."""
    columns = [f"AU{n + 1}" for n in range(labels.shape[1])]
    names = subjects or [f"F{i:03d}" for i in range(len(labels) // frames_each)]
    table = pd.DataFrame({"subject": np.repeat(names, frames_each), "task": "T1"})
    table["frame"] = np.tile(np.arange(frames_each), len(names))
    table[[f"score_{column}" for column in columns]] = scores
    table[[f"label_{column}" for column in columns]] = labels
    return table


@pytest.mark.parametrize(("shift", "pairs"), [(0.02, 41), (0.0, 27), (-0.1, 5)])
def test_t_equals_the_formula_for_a_known_difference(shift: float, pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    second = rng.normal(0.6, 0.1, pairs)
    first = second + shift + rng.normal(0, 0.03, pairs)
    found = paired_test(first, second)
    difference = [a - b for a, b in zip(first, second, strict=True)]
    mean = sum(difference) / pairs
    deviation = math.sqrt(sum((d - mean) ** 2 for d in difference) / (pairs - 1))
    t = mean / (deviation / math.sqrt(pairs))
    assert found.pairs == pairs
    assert (found.difference, found.t) == pytest.approx((mean, t))
    assert found.p == pytest.approx(two_sided_p(t, pairs - 1), rel=1e-6)
    assert found.effect == pytest.approx(t / math.sqrt(pairs)), "d_z is t over the root of n"
    assert (found.low + found.high) / 2 == pytest.approx(mean)
    half = (found.high - found.low) / 2
    assert two_sided_p(half / (deviation / math.sqrt(pairs)), pairs - 1) == pytest.approx(0.05, rel=1e-5)
    assert found.undefined == ""


def test_five_percent_of_null_tests_are_below_five_percent() -> None:
    rng = np.random.default_rng(0)
    below = [paired_test(*rng.normal(size=(2, 16))).p < 0.05 for _ in range(200)]
    assert 0.01 < np.mean(below) < 0.1


def test_undefined_tests_have_a_reason() -> None:
    same = paired_test([0.5, 0.6, 0.7], [0.5, 0.6, 0.7])
    assert math.isnan(same.p)
    assert math.isnan(same.t)
    assert same.difference == 0
    assert same.undefined == "no difference in any of the 3 pairs"
    assert paired_test([0.5], [0.4]).undefined == "1 pair: a test requires two"
    assert paired_test([0.5, math.nan], [math.nan, 0.4]).undefined == "0 pairs: a test requires two"
    with pytest.raises(InputError, match="cannot pair 3 values with 2"):
        paired_test([1, 2, 3], [1, 2])


def test_equal_differences_have_p_zero() -> None:
    found = paired_test([2.0, 3.0, 4.0], [1.0, 2.0, 3.0])
    assert (found.p, found.t, found.effect) == (0, math.inf, math.inf)
    assert (found.low, found.high) == (1, 1)


@pytest.mark.parametrize("values", [[0.01, 0.04, 0.03], [0.5, 0.6, 0.9], [1e-6, 1e-6, 0.2, 0.02, 0.013]])
def test_holm_equals_a_plain_implementation(values: list[float]) -> None:
    assert holm(values) == pytest.approx(holm_by_hand(values))


def test_nan_does_not_count_as_a_test_for_holm() -> None:
    adjusted = holm([0.01, math.nan, 0.04])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04])
    assert math.isnan(adjusted[1])
    assert np.isnan(holm([math.nan])).all()


def test_subject_f1_equals_sklearn_over_labeled_frames() -> None:
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(-1, 2, (60, 3)), rng.random((60, 3))
    table = table_of(labels, scores, frames_each=20)
    found = subject_f1(table.sample(frac=1, random_state=0), threshold=0.4)
    assert found.index.tolist() == ["F000", "F001", "F002"]
    for i, row in enumerate(found.to_numpy()):
        own = slice(20 * i, 20 * i + 20)
        for n in range(3):
            known = labels[own, n] >= 0
            assert row[n] == pytest.approx(f1_score(labels[own, n][known], scores[own, n][known] >= 0.4))


def test_undefined_f1_is_excluded_for_both_networks() -> None:
    """AU2 is never active; only the first network predicts it, once. F1 of AU1: 1.0 and 2/3."""
    labels = np.array([[1, 0], [1, 0], [0, 0], [0, 0]])
    first = table_of(labels, np.array([[1, 1], [1, 0], [0, 0], [0, 0]], float))
    second = table_of(labels, np.array([[1, 0], [0, 0], [0, 0], [0, 0]], float))

    f1 = [subject_f1(table, threshold=0.5) for table in (first, second)]

    def means(**undefined: float) -> list[float]:
        return paired_subjects(*f1, **undefined).loc["F000"].tolist()

    assert means() == pytest.approx([1, 2 / 3])
    assert means(undefined=0) == pytest.approx([1 / 2, 1 / 3])
    assert means(undefined=1) == pytest.approx([1 / 2, 5 / 6]), "now keeping silent is worth more than being right"


def test_fingerprint_ignores_order_and_detects_a_changed_label() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, (8, 2))
    first, second = (table_of(labels, rng.random((8, 2))) for _ in range(2))
    assert frames_fingerprint(first) == frames_fingerprint(second[::-1])
    assert frames_fingerprint(first)[0] == 8
    other = second["label_AU1"].where(second.index != 3, 1 - second["label_AU1"])
    changed = [second[1:], second.assign(label_AU1=other), second.drop(columns="label_AU2"),
               second.assign(subject="F009"), second.assign(frame=second["frame"] + 1)]  # fmt: skip
    assert all(frames_fingerprint(first) != frames_fingerprint(table) for table in changed)
