"""Test thresholds that are chosen on the validation split."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from omegaconf import DictConfig
from sklearn.metrics import f1_score

from mdhr.action_units import BP4D
from mdhr.errors import InputError
from mdhr.inference.model_loading import load_model
from mdhr.inference.predictor import Predictor
from mdhr.training.evaluation import evaluate
from mdhr.training.thresholds import best_thresholds
from mdhr.training.training_run import train

Compose = Callable[..., DictConfig]


def test_no_other_threshold_has_a_larger_f1() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, -1], (200, 3), p=[0.6, 0.3, 0.1])
    scores = np.clip(0.4 * (labels == 1) + 0.6 * rng.random((200, 3)), 0, 1).round(2)
    chosen = best_thresholds(torch.tensor(scores), torch.tensor(labels)).tolist()
    for n, threshold in enumerate(chosen):
        known = labels[:, n] != -1
        truth, score = labels[known, n], scores[known, n]
        best = max(f1_score(truth, score >= cut) for cut in np.unique(score))
        assert f1_score(truth, score >= threshold) == pytest.approx(best)
        assert np.abs(score - threshold).min() > 0


@pytest.mark.parametrize("label", [0, 1, -1])
def test_one_class_keeps_the_default(label: int) -> None:
    assert best_thresholds(torch.rand(9, 1), torch.full((9, 1), label)).item() == 0.5


def test_of_equal_thresholds_the_one_closest_to_the_default_is_chosen() -> None:
    scores, labels = torch.tensor([[0.9], [0.3], [0.1]]), torch.tensor([[1], [0], [0]])
    assert best_thresholds(scores, labels).item() == pytest.approx(0.6)
    assert best_thresholds(torch.zeros(4, 1), torch.tensor([[0], [1], [0], [1]])).item() == 0


@pytest.fixture(scope="module")
def run(compose_smoke: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run with thresholds."""
    folder = tmp_path_factory.mktemp("thresholds") / "run"
    train(compose_smoke(folder, "trainer.max_epochs=1", "logger=none", "module.threshold=validation_f1"))
    return folder


def test_the_run_contains_both_metrics(run: Path) -> None:
    record = json.loads((run / "metrics.json").read_text())
    predictions = pd.read_parquet(run / "predictions.parquet")
    assert record["threshold"] == 0.5
    for column in BP4D.columns:
        known = predictions[predictions[f"label_{column}"] != -1]
        label, score = known[f"label_{column}"], known[f"score_{column}"].astype("float64")
        assert record["f1"][column] == pytest.approx(f1_score(label, score >= 0.5))
        threshold = record["thresholds"][column]
        assert record["at_thresholds"]["f1"][column] == pytest.approx(f1_score(label, score >= threshold))
    assert yaml.safe_load((run / "model.yaml").read_text())["thresholds"] == record["thresholds"]
    assert "thresholds" in (run / "model_card.md").read_text()


def test_predictions_use_the_thresholds(run: Path) -> None:
    thresholds = json.loads((run / "metrics.json").read_text())["thresholds"]
    model = load_model(run, device="cpu")
    assert Predictor(model).thresholds.tolist() == list(thresholds.values())
    assert Predictor(model, thresholds=0.5).thresholds.tolist() == [0.5] * 12
    changed = Predictor(model, thresholds={"AU12": 0.25}).thresholds.tolist()
    assert changed == [0.25 if au == "AU12" else value for au, value in thresholds.items()]


def test_evaluation_repeats_both_metrics(run: Path, compose_evaluation: Compose, tmp_path: Path) -> None:
    record = json.loads((run / "metrics.json").read_text())
    again = evaluate(compose_evaluation(run, f"out={tmp_path / 'again'}"))
    assert {key: again[key] for key in ("threshold", "f1", "thresholds", "at_thresholds")} == {
        key: record[key] for key in ("threshold", "f1", "thresholds", "at_thresholds")
    }
    fixed = evaluate(compose_evaluation(run, "module.threshold=0.4", f"out={tmp_path / 'fixed'}"))
    assert fixed["threshold"] == 0.4
    assert "thresholds" not in fixed


def test_the_test_fold_cannot_choose_thresholds(smoke: Compose) -> None:
    with pytest.raises(InputError, match=r"module\.threshold=validation_f1 requires data\.protocol=honest"):
        train(smoke("module.threshold=validation_f1", "data.protocol=paper"))
