"""F1, accuracy and AUC of every action unit, pooled over all frames of a fold (paper section 4).

For every action unit, frames with label ``MISSING`` are ignored. Shapes: F frames, N action units.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc

from mdhr.action_units import MISSING

THRESHOLD = 0.5
"""Default threshold: a score of at least this predicts an occurrence."""


@dataclass(frozen=True)
class ActionUnitMetrics:
    """Metrics of every action unit. Tensors have shape ``(N,)`` and dtype float64; undefined values are NaN."""

    f1: Tensor
    accuracy: Tensor
    auc: Tensor
    baseline_f1: Tensor
    """F1 of the always-positive baseline, which predicts an occurrence in every frame."""
    num_frames: Tensor
    """Number of labeled frames, int64."""
    num_positive: Tensor
    """Number of labeled frames with an occurrence, int64."""

    @property
    def f1_mean(self) -> float:
        """Mean F1 of the action units that have labeled frames. The paper reports this value per fold."""
        return _mean(self.f1)

    @property
    def accuracy_mean(self) -> float:
        """Mean accuracy of the action units that have labeled frames."""
        return _mean(self.accuracy)

    @property
    def auc_mean(self) -> float:
        """Mean AUC of the action units that have positive and negative frames."""
        return _mean(self.auc)

    @property
    def baseline_f1_mean(self) -> float:
        """Mean F1 of the always-positive baseline."""
        return _mean(self.baseline_f1)


def _mean(values: Tensor) -> float:
    """Return the mean of the values that are not NaN, or NaN if there are none."""
    return values.nanmean().item()


def action_unit_metrics(scores: Tensor, labels: Tensor, *, threshold: float | Tensor = THRESHOLD) -> ActionUnitMetrics:
    """Return the metrics of all frames of a fold.

    F1 is not linear in the frames, so the mean of the metrics of batches is not the metric of the fold.

    Args:
        scores: ``(F, N)`` in [0, 1].
        labels: ``(F, N)``: 0, 1 or ``MISSING``.
        threshold: a score of at least this predicts an occurrence; one number, or one per action unit, ``(N,)``.
    """
    predicted = scores >= threshold
    counts = confusion_counts(predicted, labels)
    num_frames, num_correct = counts.sum(-1), counts[:, 0] + counts[:, 2]
    return ActionUnitMetrics(
        f1=f1_score(counts),
        accuracy=num_correct.double() / num_frames,  # 0 / 0 is NaN
        auc=torch.stack([_auc(scores[:, n], labels[:, n]) for n in range(labels.shape[1])]),
        baseline_f1=f1_score(confusion_counts(torch.ones_like(predicted), labels)),
        num_frames=num_frames,
        num_positive=counts[:, 0] + counts[:, 3],
    )


def confusion_counts(predicted: Tensor, labels: Tensor) -> Tensor:
    """Return ``(N, 4)`` int64: true positives, false positives, true negatives, false negatives.

    Not computed with torchmetrics, which uses a strict threshold and applies a sigmoid to all scores if one of them
    is outside [0, 1].

    Args:
        predicted: ``(F, N)`` bool.
        labels: ``(F, N)``: 0, 1 or ``MISSING``.
    """
    present, absent = labels == 1, labels == 0
    counts = [predicted & present, predicted & absent, ~predicted & absent, ~predicted & present]
    return torch.stack([count.sum(0) for count in counts], -1)


def f1_score(counts: Tensor) -> Tensor:
    """Return F1 ``2 TP / (2 TP + FP + FN)``, shape ``(N,)``, from the counts of :func:`confusion_counts`.

    F1 is 0 if neither the labels nor the predictions contain an occurrence (as in scikit-learn), and NaN if no frame
    is labeled.
    """
    true_positive, false_positive, _, false_negative = counts.double().unbind(-1)
    f1 = 2 * true_positive / (2 * true_positive + false_positive + false_negative).clamp(min=1)
    return f1.where(counts.sum(-1) > 0, torch.nan)


def _auc(score: Tensor, label: Tensor) -> Tensor:
    """Return the area under the ROC curve of one action unit, or NaN unless both classes occur."""
    valid = label != MISSING
    score, label = score[valid], label[valid]
    if not (label == 1).any() or (label == 1).all():
        return torch.tensor(torch.nan, dtype=torch.float64)
    # torchmetrics applies a sigmoid to scores outside [0, 1], which can round different scores to equal ones.
    return binary_auroc(score.double().clamp(0, 1), label.int(), validate_args=False).double().cpu()


def metrics_dict(metrics: ActionUnitMetrics, columns: Sequence[str]) -> dict[str, object]:
    """Return means and values per action unit as plain numbers for JSON. Undefined values are None.

    ``columns`` are the names of the N action units.
    """

    def by_au(values: Tensor) -> dict[str, float | None]:
        return {name: _none_if_nan(value) for name, value in zip(columns, values.tolist(), strict=True)}

    return {
        "f1_mean": _none_if_nan(metrics.f1_mean),
        "auc_mean": _none_if_nan(metrics.auc_mean),
        "accuracy_mean": _none_if_nan(metrics.accuracy_mean),
        "baseline_f1_mean": _none_if_nan(metrics.baseline_f1_mean),
        "f1": by_au(metrics.f1),
        "auc": by_au(metrics.auc),
        "accuracy": by_au(metrics.accuracy),
        "baseline_f1": by_au(metrics.baseline_f1),
        "num_positive": by_au(metrics.num_positive),
    }


def _none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
