"""Training and evaluation of ME-GraphAU."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from omegaconf import DictConfig

from mdhr.errors import InputError
from mdhr.training.evaluation import evaluate
from mdhr.training.training_run import train


@pytest.fixture(scope="module")
def stage_1(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Complete run of stage 1."""
    run = tmp_path_factory.mktemp("stage1") / "run"
    train(compose_smoke(run, "network=me_graphau_stage1"))
    return run


@pytest.mark.slow
def test_stage_2_trains_from_stage_1_and_is_evaluated(
    compose_smoke: Callable[..., DictConfig],
    compose_evaluation: Callable[..., DictConfig],
    stage_1: Path,
    tmp_path: Path,
) -> None:
    weights = f"network.weights={stage_1}/checkpoints/best.ckpt"
    record = train(compose_smoke(tmp_path / "run", "network=me_graphau_stage2", weights))
    losses = pd.read_csv(next((tmp_path / "run" / "csv").rglob("metrics.csv")))
    assert losses["train/loss_edge"].dropna().gt(0).all()
    epochs = losses.dropna(subset="train/loss_edge")
    total = epochs["train/loss_au"] + 0.05 * epochs["train/loss_edge"]
    assert epochs["train/loss_epoch"].tolist() == pytest.approx(total.tolist(), rel=1e-5)

    again = evaluate(compose_evaluation(tmp_path / "run"))
    assert again["f1"] == record["f1"]
    with pytest.raises(InputError, match="is of another network"):
        evaluate(compose_evaluation(stage_1, f"checkpoint={tmp_path}/run/checkpoints/best.ckpt"))


def test_stage_1_has_no_edge_loss(stage_1: Path) -> None:
    losses = pd.read_csv(next((stage_1 / "csv").rglob("metrics.csv")))
    assert "train/loss_edge" not in losses
    state = torch.load(stage_1 / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert any(key.startswith("network.graph.") for key in state)
