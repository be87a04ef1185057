"""Benchmark of the metrics of 50,000 frames: Python loops and ``action_unit_metrics``."""

import numpy as np
import torch
from networks import seconds
from tests.support.plain.metrics import plain_f1

from mdhr.training.metrics import action_unit_metrics

NUM_FRAMES, NUM_AUS = 50_000, 12


def metrics_seconds(repeats: int) -> dict[str, list[float]]:
    """Return the seconds of both, alternating, on the same scores and labels."""
    rng = np.random.default_rng(0)
    scores, labels = rng.random((NUM_FRAMES, NUM_AUS)), rng.choice([-1, 0, 1], (NUM_FRAMES, NUM_AUS))
    lists, tensors = (scores.tolist(), labels.tolist()), (torch.from_numpy(scores), torch.from_numpy(labels))
    runs: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(repeats):
        runs["plain"].append(seconds(lambda: plain_f1(*lists, threshold=0.5))[0])
        runs["ours"].append(seconds(lambda: action_unit_metrics(*tensors, threshold=0.5))[0])
    return runs
