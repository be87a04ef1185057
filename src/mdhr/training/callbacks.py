"""What happens around training: exact resuming, the last checkpoint, tables, predictions."""

import random
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from rich.console import Console
from rich.table import Table

from mdhr.training.frame_scores import prediction_table, write_predictions
from mdhr.training.metrics import ActionUnitMetrics
from mdhr.training.module import ActionUnitModule


class ExactResume(Callback):
    """Make a run that was interrupted and resumed equal the unbroken one.

    The random numbers of every training step (dropout, stochastic depth) start from (seed, epoch, batch, process),
    whatever was drawn before; and a resumed run begins with the clips of its own epoch.
    """

    def __init__(self, *, seed: int) -> None:
        self.seed = seed

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have the training data set up anew: for the length of the schedule Lightning did it before it knew the epoch.

        Workers have drawn clips of epoch 0 by then.
        """
        trainer.reload_dataloaders_every_n_epochs = int(trainer.current_epoch > 0)  # type: ignore[attr-defined]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Once is enough."""
        trainer.reload_dataloaders_every_n_epochs = 0  # type: ignore[attr-defined]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed torch, numpy and random."""
        sequence = np.random.SeedSequence([self.seed, trainer.current_epoch, batch_idx, trainer.global_rank])
        seed = int(sequence.generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)


class LastCheckpoint(Checkpoint):
    """Keep the state after the last whole epoch in one file, and the untrained state until there is one.

    An interrupted epoch is begun again on resuming, so that resuming is exact.
    """

    def __init__(self, *, path: str, every_n_epochs: int) -> None:
        self.path = Path(path)
        self.every_n_epochs = every_n_epochs

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A run can be resumed from its first second on."""
        if trainer.global_step == 0:
            trainer.save_checkpoint(self.path)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Replace the file; Lightning writes it beside and moves it into place."""
        epoch = trainer.current_epoch + 1
        if epoch % self.every_n_epochs == 0 or epoch == trainer.max_epochs:
            trainer.save_checkpoint(self.path)


class ActionUnitTable(Callback):
    """Print the metrics of every action unit at the end of a test and, if wanted, of every validation."""

    def __init__(self, *, validation: bool) -> None:
        self.validation = validation

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print, but not for the trial run before training."""
        if self.validation and not trainer.sanity_checking:
            self._print(trainer, pl_module, f"validation after epoch {trainer.current_epoch + 1}")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print."""
        self._print(trainer, pl_module, "test")

    def _print(self, trainer: Trainer, pl_module: LightningModule, title: str) -> None:
        module = cast(ActionUnitModule, pl_module)
        if trainer.is_global_zero and module.metrics is not None:
            Console(width=100).print(metrics_table(module.metrics, module.au_set.columns, title=title))


def metrics_table(metrics: ActionUnitMetrics, columns: tuple[str, ...], *, title: str) -> Table:
    """One row an action unit and one for the mean; always-on is a detector that says yes to every frame."""
    table = Table("", "frames", "rate", "F1", "F1 always on", "AUC", "accuracy", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    rates = metrics.num_positive / metrics.num_frames
    shown = (rates, metrics.f1, metrics.baseline_f1, metrics.auc, metrics.accuracy)
    for n, name in enumerate(columns):
        table.add_row(name, str(metrics.num_frames[n].item()), *(f"{values[n].item():.3f}" for values in shown))
    table.add_section()
    means = (metrics.f1_mean, metrics.baseline_f1_mean, metrics.auc_mean, metrics.accuracy_mean)
    table.add_row("mean", "", "", *(f"{value:.3f}" for value in means))
    return table


class PredictionDump(Callback):
    """Write the test fold's scores and labels, one row a frame, when the test is over."""

    def __init__(self, *, path: str) -> None:
        self.path = Path(path)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the table from the first process."""
        module = cast(ActionUnitModule, pl_module)
        if trainer.is_global_zero and module.predictions is not None:
            videos = trainer.datamodule.videos("test")  # type: ignore[attr-defined]
            write_predictions(self.path, prediction_table(module.predictions, videos, module.au_set))
