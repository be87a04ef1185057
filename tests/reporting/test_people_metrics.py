"""Tests of metrics with bootstrap intervals over people."""

import numpy as np
import pandas as pd
import pytest
import torch

from mdhr.action_units import BP4D
from mdhr.reporting.people_metrics import RocCurve, people_metrics
from mdhr.training.metrics import action_unit_metrics


def predictions(num_people: int = 6, num_frames: int = 40, *, seed: int = 0) -> pd.DataFrame:
    """Return scores that agree with three quarters of the labels; a tenth of the labels is missing."""
    rng = np.random.default_rng(seed)
    shape = num_people * num_frames, len(BP4D.aus)
    labels = (rng.random(shape) < 0.4).astype(np.int8)
    scores = np.where(rng.random(shape) < 0.75, labels, 1 - labels) * 0.6 + 0.3 * rng.random(shape).round(1)
    labels[rng.random(shape) < 0.1] = -1
    table = pd.DataFrame({"subject": np.repeat([f"S{p}" for p in range(num_people)], num_frames)})
    table["task"] = np.where(np.arange(len(table)) % num_frames < num_frames // 2, "T1", "T2")
    table[[f"score_{column}" for column in BP4D.columns]] = scores.astype(np.float32)
    table[[f"label_{column}" for column in BP4D.columns]] = labels
    return table


def test_values_equal_those_of_an_evaluation() -> None:
    table = predictions()
    found = people_metrics(table, threshold=0.5, num_resamples=20)
    scores = torch.tensor(table.filter(like="score_").to_numpy())
    labels = torch.tensor(table.filter(like="label_").to_numpy())
    expected = action_unit_metrics(scores, labels, threshold=0.5)
    np.testing.assert_allclose(found.f1, expected.f1)
    np.testing.assert_allclose(found.always_positive_f1, expected.baseline_f1)
    np.testing.assert_allclose(found.auc, expected.auc, atol=1e-6)
    assert (found.num_people, found.num_frames) == (6, 240)


def test_intervals_contain_the_value_and_narrow_with_people() -> None:
    few, many = (people_metrics(predictions(n), threshold=0.5, num_resamples=200) for n in (4, 64))
    for found in (few, many):
        assert found.auc_interval[0] < found.auc.mean() < found.auc_interval[1]
        assert found.f1_gain_interval[0] < found.f1_gain < found.f1_gain_interval[1]
    assert np.ptp(many.auc_interval) < np.ptp(few.auc_interval) / 2


def test_an_offset_between_people_changes_the_pooled_auc_only() -> None:
    table = predictions()
    shifted = table.copy()
    columns = [column for column in table if str(column).startswith("score_")]
    shifted[columns] += (table["subject"].str[1:].astype(float) * 2).to_numpy()[:, None]
    a, b = (people_metrics(each, threshold=0.5, num_resamples=2) for each in (table, shifted))
    np.testing.assert_allclose(a.auc_within_clips, b.auc_within_clips, atol=1e-6)
    assert (a.auc > b.auc + 0.1).all()


@pytest.mark.parametrize("weight", [[1, 1], [2, 1], [0, 1]])
def test_area_counts_people_as_often_as_their_weight(weight: list[int]) -> None:
    scores, labels = np.array([0.1, 0.4, 0.4, 0.8, 0.3]), np.array([0, 1, 0, 1, -1])
    person = np.array([0, 0, 1, 1, 0])
    repeated = np.repeat(np.arange(5), np.asarray(weight)[person])
    expected = RocCurve(scores[repeated], labels[repeated], np.zeros(len(repeated), int)).area(np.ones(1))
    assert RocCurve(scores, labels, person).area(np.asarray(weight)) == pytest.approx(expected)


def test_area_of_one_class_is_undefined() -> None:
    assert np.isnan(RocCurve(np.array([0.1, 0.2]), np.array([1, 1]), np.zeros(2, int)).area(np.ones(1)))
