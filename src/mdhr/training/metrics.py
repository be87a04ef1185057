"""F1, accuracy and AUC of every action unit, pooled over all frames of a fold.

Frames labeled ``MISSING`` are left out per action unit. Letters: F frames, N action units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc

from mdhr.action_units import MISSING

THRESHOLD = 0.5
"""A score of at least this says that the action unit is there."""


@dataclass(frozen=True)
class ActionUnitMetrics:
    """One float64 value an action unit, ``(N,)``, NaN where the value is not defined."""

    f1: Tensor
    accuracy: Tensor
    auc: Tensor
    baseline_f1: Tensor
    """F1 of a detector that says yes to every frame."""
    num_frames: Tensor
    """Frames with a label, int64."""
    num_positive: Tensor
    """Frames that show the action unit, int64."""

    @property
    def f1_mean(self) -> float:
        """Mean over the action units that have a labeled frame; the paper's figure for a fold."""
        return mean_defined(self.f1)

    @property
    def accuracy_mean(self) -> float:
        """Mean over the action units that have a labeled frame."""
        return mean_defined(self.accuracy)

    @property
    def auc_mean(self) -> float:
        """Mean over the action units that are there in some labeled frames and not in others."""
        return mean_defined(self.auc)

    @property
    def baseline_f1_mean(self) -> float:
        """What saying yes to every frame scores."""
        return mean_defined(self.baseline_f1)


def mean_defined(values: Tensor) -> float:
    """Mean of the values that are not NaN; NaN if all are."""
    return values.nanmean().item()


def action_unit_metrics(scores: Tensor, labels: Tensor, *, threshold: float = THRESHOLD) -> ActionUnitMetrics:
    """Metrics of a whole fold at once: never average the metrics of batches.

    Parameters
    ----------
    scores: ``(F, N)`` in [0, 1].
    labels: ``(F, N)`` 0, 1 or ``MISSING``.
    """
    predicted = scores >= threshold
    counts = confusion_counts(predicted, labels)
    valid, positive = counts.sum(-1), counts[:, 0] + counts[:, 3]
    hits = counts[:, 0] + counts[:, 2]
    return ActionUnitMetrics(
        f1=f1_score(counts),
        accuracy=hits.double() / valid,  # 0 / 0 is NaN
        auc=torch.stack([_auc(scores[:, n], labels[:, n]) for n in range(labels.shape[1])]),
        baseline_f1=f1_score(confusion_counts(torch.ones_like(predicted), labels)),
        num_frames=valid,
        num_positive=positive,
    )


def confusion_counts(predicted: Tensor, labels: Tensor) -> Tensor:
    """``(N, 4)``: true positives, false positives, true negatives, false negatives.

    Counted here because torchmetrics thresholds strictly, and sigmoids a batch in which one score leaves [0, 1].
    """
    present, absent = labels == 1, labels == 0
    counts = [predicted & present, predicted & absent, ~predicted & absent, ~predicted & present]
    return torch.stack([count.sum(0) for count in counts], -1)


def f1_score(counts: Tensor) -> Tensor:
    """``2 TP / (2 TP + FP + FN)`` of :func:`confusion_counts`.

    0 where neither the labels nor the predictions have a positive (as in sklearn), NaN without a labeled frame.
    """
    true_positive, false_positive, _, false_negative = counts.double().unbind(-1)
    f1 = 2 * true_positive / (2 * true_positive + false_positive + false_negative).clamp(min=1)
    return f1.where(counts.sum(-1) > 0, torch.nan)


def _auc(score: Tensor, label: Tensor) -> Tensor:
    """Area under the ROC curve of one action unit; NaN unless both classes are there."""
    valid = label != MISSING
    score, label = score[valid], label[valid]
    if not (label == 1).any() or (label == 1).all():
        return torch.tensor(torch.nan, dtype=torch.float64)
    # Ranks are all that counts: double keeps them, and [0, 1] keeps torchmetrics from a sigmoid that would not.
    return binary_auroc(score.double().clamp(0, 1), label.int(), validate_args=False).double().cpu()


def table(metrics: ActionUnitMetrics, columns: Sequence[str]) -> dict[str, object]:
    """Plain values by name, for JSON: the means, and one value an action unit; None where not defined."""

    def by_au(values: Tensor) -> dict[str, float | None]:
        return {name: _defined(value) for name, value in zip(columns, values.tolist(), strict=True)}

    return {
        "f1_mean": _defined(metrics.f1_mean),
        "auc_mean": _defined(metrics.auc_mean),
        "accuracy_mean": _defined(metrics.accuracy_mean),
        "baseline_f1_mean": _defined(metrics.baseline_f1_mean),
        "f1": by_au(metrics.f1),
        "auc": by_au(metrics.auc),
        "accuracy": by_au(metrics.accuracy),
        "baseline_f1": by_au(metrics.baseline_f1),
        "num_positive": by_au(metrics.num_positive),
    }


def _defined(value: float) -> float | None:
    """JSON has no NaN."""
    return value if value == value else None
