"""Callback that saves the checkpoint from which an interrupted run resumes."""

from pathlib import Path

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from mdhr.config.ranges import Name, PositiveInt


class LastCheckpoint(Checkpoint):
    """Save the state after the last complete epoch, or the initial state before the first epoch is complete.

    An incomplete epoch is repeated on resume.

    Args:
        path: file of the checkpoint, replaced every time.
        every_n_epochs: epochs between two checkpoints. The last epoch is always saved.
    """

    def __init__(self, *, path: Name, every_n_epochs: PositiveInt) -> None:
        self.path = Path(path)
        self.every_n_epochs = every_n_epochs

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the initial state of a new run."""
        if trainer.global_step == 0:
            trainer.save_checkpoint(self.path)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state after the epoch."""
        epoch = trainer.current_epoch + 1
        if epoch % self.every_n_epochs == 0 or epoch == trainer.max_epochs:
            trainer.save_checkpoint(self.path)
