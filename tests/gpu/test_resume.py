"""A resumed run equals an uninterrupted one bit by bit, with deterministic algorithms on every device."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig

from mdhr.config.signals import Interrupted
from mdhr.training.callbacks.exact_resume import ExactResume
from mdhr.training.training_run import train


@pytest.fixture(autouse=True)
def _restore_algorithms() -> Any:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(
    compose_smoke: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    accelerator = "gpu" if device.type == "cuda" else "cpu"
    settings = (f"trainer.accelerator={accelerator}", "trainer.deterministic=true", "backbone.drop_path_rate=0.1")
    train(compose_smoke(tmp_path / "complete", *settings))

    seed_step = ExactResume.on_train_batch_start

    def stop_in_second_epoch(self: ExactResume, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        seed_step(self, trainer, module, batch, batch_idx)
        if (trainer.current_epoch, batch_idx) == (1, 1):
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(ExactResume, "on_train_batch_start", stop_in_second_epoch)
        with pytest.raises(Interrupted):
            train(compose_smoke(tmp_path / "resumed", *settings))
    train(compose_smoke(tmp_path / "resumed", "ckpt_path=last", *settings))
    complete, resumed = (
        torch.load(tmp_path / run / "checkpoints/last.ckpt", weights_only=True) for run in ("complete", "resumed")
    )
    for part in ("state_dict", "optimizer_states"):
        torch.testing.assert_close(resumed[part], complete[part], rtol=0, atol=0, equal_nan=True)
