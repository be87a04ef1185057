"""Precision-recall curves of all action units."""

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

from mdhr.training.metrics import confusion_counts

STEPS = 101


def precision_recall(scores: Tensor, labels: Tensor, columns: Sequence[str]) -> pd.DataFrame:
    """Return one row per action unit and threshold with the columns ``au``, ``threshold``, ``recall``, ``precision``.

    Frames without a label are ignored. Precision is 1 if there is no positive prediction. Action units without a positive
    label have no recall and are omitted.

    Args:
        scores: ``(F, N)`` in [0, 1].
        labels: ``(F, N)`` with 0, 1 or -1 (unknown).
        columns: names of the N action units.
    """
    curves = []
    for threshold in torch.linspace(0, 1, STEPS).tolist():
        true_positive, false_positive, _, false_negative = confusion_counts(scores >= threshold, labels).double().T
        predicted, active = true_positive + false_positive, true_positive + false_negative
        values = {
            "au": list(columns),
            "threshold": threshold,
            "recall": (true_positive / active).numpy(),  # 0 / 0 is NaN
            "precision": (true_positive / predicted).nan_to_num(nan=1.0).numpy(),
        }
        curves.append(pd.DataFrame(values))
    # A stable sort by position keeps the order of the thresholds.
    return pd.concat(curves).dropna().sort_index(kind="stable").reset_index(drop=True)
