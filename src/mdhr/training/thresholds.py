"""Thresholds per action unit that are chosen on the validation split after training."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from mdhr.config.ranges import VALIDATION_F1
from mdhr.data.datamodule import FaceVideoData
from mdhr.training.metrics import THRESHOLD, action_unit_metrics, metrics_dict
from mdhr.training.module import ActionUnitModule


def choose_thresholds(trainer: Trainer, module: ActionUnitModule, data: FaceVideoData, checkpoint: Path) -> None:
    """Set ``module.thresholds`` from the validation split if ``module.threshold=validation_f1``. Collective call."""
    if module.threshold_setting != VALIDATION_F1:
        return
    trainer.validate(module, datamodule=data, ckpt_path=checkpoint, verbose=False, weights_only=True)
    assert module.predictions is not None
    module.thresholds = best_thresholds(module.predictions.scores, module.predictions.labels)


def best_thresholds(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the threshold of every action unit with the largest F1, ``(N,)`` float64.

    A threshold is the middle between two neighboring scores. Of several with the same F1, the one closest to 0.5 is
    returned. The threshold is 0.5 for action units whose labels are all 0 or all 1.

    Args:
        scores: ``(F, N)`` in [0, 1].
        labels: ``(F, N)``: 0, 1 or ``MISSING``.
    """
    return torch.tensor([_best(scores[:, n], labels[:, n]) for n in range(scores.shape[1])], dtype=torch.float64)


def _best(score: Tensor, label: Tensor) -> float:
    known = label >= 0
    positive = label[known] == 1
    if not positive.any() or positive.all():
        return THRESHOLD
    ordered, order = score[known].double().sort(descending=True)
    true_positive = positive[order].cumsum(0).double()
    predicted = torch.arange(1, len(ordered) + 1, dtype=torch.float64)
    f1 = 2 * true_positive / (predicted + positive.sum())
    following = torch.cat([ordered[1:], torch.zeros(1, dtype=torch.float64)])
    is_cut = ordered > following
    is_cut[-1] = True  # all frames, also those with score 0
    cuts = ((ordered + following) / 2)[is_cut]
    f1 = f1[is_cut]
    best = cuts[f1 >= f1.max() - 1e-12]
    return float(best[(best - THRESHOLD).abs().argmin()])


def threshold_record(module: ActionUnitModule) -> dict[str, Any]:
    """Return ``thresholds`` and the test metrics ``at_thresholds`` for ``metrics.json``; empty without thresholds."""
    if module.thresholds is None:
        return {}
    assert module.predictions is not None
    columns = module.au_set.columns
    metrics = action_unit_metrics(module.predictions.scores, module.predictions.labels, threshold=module.thresholds)
    values = metrics_dict(metrics, columns)
    kept = ("f1_mean", "accuracy_mean", "f1", "accuracy")
    return {
        "thresholds": dict(zip(columns, module.thresholds.tolist(), strict=True)),
        "at_thresholds": {key: values[key] for key in kept},
    }
