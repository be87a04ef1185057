"""Tests of precision-recall curves against scikit-learn."""

import numpy as np
import torch
from sklearn.metrics import precision_score, recall_score

from mdhr.reporting.wandb_results.precision_recall import precision_recall


def test_points_equal_sklearn() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.random((200, 2)).round(2), rng.choice([-1, 0, 1], (200, 2))
    curves = precision_recall(torch.from_numpy(scores), torch.from_numpy(labels), ["AU1", "AU2"])
    assert curves.groupby("au").size().tolist() == [101, 101]
    for n, (_, curve) in enumerate(curves.groupby("au")):
        known = labels[:, n] >= 0
        for _, threshold, recall, precision in curve.iloc[::10].itertuples(index=False):
            called = scores[known, n] >= np.float32(threshold)
            np.testing.assert_allclose(recall, recall_score(labels[known, n], called))
            np.testing.assert_allclose(precision, precision_score(labels[known, n], called, zero_division=1))


def test_action_unit_without_positive_label_has_no_curve() -> None:
    labels = torch.tensor([[0, 1], [-1, 0]])
    assert set(precision_recall(torch.full((2, 2), 0.5), labels, ["AU1", "AU2"])["au"]) == {"AU2"}
