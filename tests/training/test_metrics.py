"""Metrics compared with scikit-learn."""

import time
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from torchmetrics.functional.classification import multilabel_f1_score

from mdhr.training.metrics import action_unit_metrics, confusion_counts, metrics_dict
from mdhr.training.metrics import f1_score as our_f1_score


def fold(num_frames: int, num_aus: int, *, seed: int = 0, missing: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.rand(num_frames, num_aus, generator=generator) < torch.linspace(0.05, 0.7, num_aus)).to(torch.int8)
    scores = (0.3 * labels + 0.7 * torch.rand(num_frames, num_aus, generator=generator)).clamp(0, 1)
    labels[torch.rand(num_frames, num_aus, generator=generator) < missing] = -1
    return (scores * 40).round() / 40, labels  # ties, also at the threshold


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_every_metric_equals_sklearn(missing: float):
    scores, labels = fold(400, 12, missing=missing)
    metrics = action_unit_metrics(scores, labels)
    for n in range(12):
        valid = (labels[:, n] != -1).numpy()
        y, p = labels[valid, n].numpy(), scores[valid, n].numpy()
        assert metrics.f1[n].item() == pytest.approx(f1_score(y, p >= 0.5))
        assert metrics.accuracy[n].item() == pytest.approx(accuracy_score(y, p >= 0.5))
        assert metrics.auc[n].item() == pytest.approx(roc_auc_score(y, p), abs=1e-6)
        assert metrics.baseline_f1[n].item() == pytest.approx(f1_score(y, np.ones_like(y)))
        assert (metrics.num_frames[n], metrics.num_positive[n]) == (len(y), y.sum())
    assert metrics.f1_mean == pytest.approx(metrics.f1.mean().item())


def test_f1_equals_torchmetrics_on_thresholded_scores():
    scores, labels = fold(300, 8)
    expected = multilabel_f1_score((scores >= 0.5).int(), labels.int(), 8, average="none", ignore_index=-1)
    assert action_unit_metrics(scores, labels).f1.tolist() == pytest.approx(expected.tolist())


def test_score_equal_to_the_threshold_is_an_occurrence():
    assert action_unit_metrics(torch.tensor([[0.5]]), torch.tensor([[1]])).f1.item() == 1


def test_mean_excludes_action_units_without_a_labeled_frame():
    scores, labels = torch.tensor([[0.9, 0.9], [0.1, 0.9]]), torch.tensor([[1, -1], [0, -1]])
    metrics = action_unit_metrics(scores, labels)
    assert metrics.f1.isnan().tolist() == [False, True]
    assert (metrics.f1_mean, metrics.accuracy_mean, metrics.baseline_f1_mean) == (1, 1, pytest.approx(2 / 3))


def test_action_unit_that_never_occurs_has_f1_zero_and_no_auc():
    metrics = action_unit_metrics(torch.tensor([[0.1], [0.2]]), torch.tensor([[0], [0]]))
    assert (metrics.f1.item(), metrics.accuracy.item()) == (0, 1)
    assert metrics.auc.isnan().item()


def test_auc_accepts_scores_slightly_above_one():
    scores = torch.tensor([[0.2], [0.9], [1.0000001]])
    assert action_unit_metrics(scores, torch.tensor([[0], [1], [1]])).auc.item() == 1


def test_metrics_of_a_fold_without_frames_are_undefined():
    metrics = action_unit_metrics(torch.empty(0, 3), torch.empty(0, 3, dtype=torch.int8))
    assert metrics_dict(metrics, ["AU1", "AU2", "AU4"])["f1"] == {"AU1": None, "AU2": None, "AU4": None}


def test_torchmetrics_warnings_are_suppressed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        action_unit_metrics(*fold(50, 3))


def test_fifty_thousand_frames_take_less_than_a_fifth_of_a_second():
    scores, labels = fold(50_000, 12)
    fastest = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        our_f1_score(confusion_counts(scores >= 0.5, labels))
        fastest = min(fastest, time.perf_counter() - started)
    assert fastest < 0.2
