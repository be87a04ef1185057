"""Precision against recall of every action unit, as the threshold goes from 0 to 1."""

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

from mdhr.training.metrics import confusion_counts

STEPS = 101


def precision_recall(scores: Tensor, labels: Tensor, columns: Sequence[str]) -> pd.DataFrame:
    """One row an action unit and threshold: columns ``au threshold recall precision``.

    Frames without a label are left out. Where nothing is called active precision is 1, as is usual; an action unit
    that is active in no labeled frame has no recall and no row.

    Parameters
    ----------
    scores: ``F N`` in [0, 1]; labels: ``F N`` 0, 1 or -1; columns: the names of the N action units.
    """
    curves = []
    for threshold in torch.linspace(0, 1, STEPS).tolist():
        true_positive, false_positive, _, false_negative = confusion_counts(scores >= threshold, labels).double().T
        called, active = true_positive + false_positive, true_positive + false_negative
        values = {
            "au": list(columns),
            "threshold": threshold,
            "recall": (true_positive / active).numpy(),  # 0 / 0 is NaN
            "precision": (true_positive / called).nan_to_num(nan=1.0).numpy(),
        }
        curves.append(pd.DataFrame(values))
    # A stable sort by place keeps the thresholds in their order.
    return pd.concat(curves).dropna().sort_index(kind="stable").reset_index(drop=True)
