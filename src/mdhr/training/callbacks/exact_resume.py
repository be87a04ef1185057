"""Callback that makes a resumed run equal to an uninterrupted run, bit by bit."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from mdhr.config.ranges import Seed


class ExactResume(Callback):
    """Seed every training step, and reload the training data of a resumed run.

    The random numbers of a training step (dropout, stochastic depth) depend only on seed, epoch, batch and process.
    The clips depend only on seed, epoch and index, so the checkpoint contains no state of the data loader.
    ``torchdata.stateful_dataloader`` is not used: it resumes at the wrong clip if workers have finished the epoch,
    or if the loader is one batch ahead of the step counter.
    """

    def __init__(self, *, seed: Seed) -> None:
        self.seed = seed

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Adapt the best epoch so far to a run folder that was moved, and drop it if it belongs to another run."""
        for callback in trainer.checkpoint_callbacks:
            state = checkpoint["callbacks"].get(callback.state_key)
            if isinstance(callback, ModelCheckpoint) and state is not None:
                folder, best = Path(str(callback.dirpath)), Path(state["best_model_path"])
                if not (folder / best.name).exists():
                    del checkpoint["callbacks"][callback.state_key]
                elif folder != best.parent:
                    checkpoint["callbacks"][callback.state_key] = _moved(state, folder)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reload the training data on resume. Lightning builds the loader before it restores the epoch."""
        trainer.reload_dataloaders_every_n_epochs = int(trainer.current_epoch > 0)  # type: ignore[attr-defined]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the reloaded data for all later epochs."""
        trainer.reload_dataloaders_every_n_epochs = 0  # type: ignore[attr-defined]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed torch, NumPy and ``random``."""
        sequence = np.random.SeedSequence([self.seed, trainer.current_epoch, batch_idx, trainer.global_rank])
        seed = int(sequence.generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)


def _moved(state: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the state of a ``ModelCheckpoint`` whose files are in another folder; Lightning would ignore it."""

    def moved(path: str) -> str:
        return str(folder / Path(path).name) if path else path

    paths = ("best_model_path", "kth_best_model_path", "last_model_path")
    return {
        **state,
        **{key: moved(state[key]) for key in paths},
        "best_k_models": {moved(path): score for path, score in state["best_k_models"].items()},
        "dirpath": str(folder),
    }
