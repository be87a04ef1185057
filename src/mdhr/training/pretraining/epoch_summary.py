"""Callback that prints one line per epoch."""

import time

from lightning.pytorch import Callback, LightningModule, Trainer

METRICS = ("auc_by_position", "auc_by_region", "landmark_error")


class EpochSummary(Callback):
    """Callback that prints the validation metrics and the estimated remaining time after each epoch."""

    def __init__(self) -> None:
        self._first_epoch: tuple[float, int] | None = None  # end time and number of this process's first epoch

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the line of an epoch."""
        self._first_epoch = self._first_epoch or (time.monotonic(), trainer.current_epoch)
        start, first = self._first_epoch
        remaining = ""
        if num_epochs := trainer.current_epoch - first:
            seconds_per_epoch = (time.monotonic() - start) / num_epochs
            seconds = seconds_per_epoch * ((trainer.max_epochs or 0) - trainer.current_epoch - 1)
            remaining = f", about {seconds / 60:.0f} min remaining"
        values = ", ".join(f"{name} {float(trainer.callback_metrics[f'val/{name}']):.3f}" for name in METRICS)
        print(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: {values}{remaining}", flush=True)
