"""Finished runs without training: scores of a given accuracy."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from mdhr.action_units import BP4D
from mdhr.training.metrics import action_unit_metrics

FRAMES_EACH = 30


def fake_run(folder: Path, *, skill: float, fold: int, seed: int, subjects: int = 4) -> dict[str, object]:
    """Write ``predictions.parquet`` and return the row of ``read_runs`` without the settings.

    Labels depend on the fold only; errors depend on all arguments. The last action unit is rarely active.
    """
    shape = (subjects * FRAMES_EACH, len(BP4D.aus))
    labels = (np.random.default_rng(fold).random(shape) < np.r_[np.full(11, 0.4), 0.004]).astype(np.int8)
    rng = np.random.default_rng([fold, seed, round(1000 * skill)])
    wrong = rng.random(shape) > np.where(labels == 1, skill, 0.5 + skill / 2)
    scores = np.abs(labels - wrong).astype(np.float32)
    table = pd.DataFrame({"subject": np.repeat([f"F{fold}{i:02d}" for i in range(subjects)], FRAMES_EACH)})
    table["task"], table["frame"] = "T1", np.tile(np.arange(FRAMES_EACH), subjects)
    table[[f"score_{column}" for column in BP4D.columns]] = scores
    table[[f"label_{column}" for column in BP4D.columns]] = labels
    folder.mkdir(parents=True)
    table.to_parquet(folder / "predictions.parquet", index=False)
    metrics = action_unit_metrics(torch.from_numpy(scores), torch.from_numpy(labels))
    f1 = dict(zip((f"f1_{column}" for column in BP4D.columns), metrics.f1.tolist(), strict=True))
    row = {"fold": fold, "seed": seed, "f1_mean": metrics.f1_mean, "auc_mean": metrics.auc_mean}
    return {
        **row,
        "threshold": 0.5,
        "precision": "32-true",
        "git_commit": "0123456789abcdef",
        "folder": str(folder),
        "recipe": "{}",
        **f1,
    }
