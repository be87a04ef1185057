"""Progress of training and testing: a progress bar in a terminal, lines of text in a log file."""

import sys
import time
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ProgressBar, TQDMProgressBar

from mdhr.config.ranges import NonNegativeFloat


def progress_bar(*, refresh_seconds: NonNegativeFloat) -> ProgressBar:
    """Return a progress bar if stderr is a terminal, otherwise :class:`LineProgress`."""
    return TQDMProgressBar(leave=False) if sys.stderr.isatty() else LineProgress(refresh_seconds=refresh_seconds)


class LineProgress(ProgressBar):
    """Progress as lines of text: one per epoch, and one per interval within an epoch.

    Args:
        refresh_seconds: interval between two lines within an epoch.
    """

    def __init__(self, *, refresh_seconds: float) -> None:
        super().__init__()
        self.refresh_seconds = refresh_seconds
        self._enabled = True
        self._training_start = self._epoch_start = self._last_line = time.monotonic()
        self._first_epoch = 0

    def disable(self) -> None:
        """Print nothing. Lightning calls this in all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Print again."""
        self._enabled = True

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        """Print the epochs of the run and their number of batches."""
        self._training_start = self._last_line = time.monotonic()
        self._first_epoch = trainer.current_epoch
        epochs = f"epochs {self._first_epoch + 1} to {trainer.max_epochs}"
        self._print(f"training: {epochs}, {self.total_train_batches} batches each")

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start the time of the epoch."""
        self._epoch_start = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Print the first batch of the run and one batch per interval."""
        first = batch_idx == 0 and trainer.current_epoch == self._first_epoch
        self._print_batch(f"epoch {trainer.current_epoch + 1}", batch_idx, self.total_train_batches, always=first)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Print one batch per interval."""
        self._print_batch("validation", batch_idx, trainer.num_val_batches[0])

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Print one batch per interval."""
        self._print_batch("test", batch_idx, trainer.num_test_batches[0])

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        """Print the loss, the last validation F1, the time of the epoch and the remaining time."""
        now, epoch = time.monotonic(), trainer.current_epoch + 1
        seconds_per_epoch = (now - self._training_start) / (epoch - self._first_epoch)
        remaining = seconds_per_epoch * ((trainer.max_epochs or epoch) - epoch)
        values = trainer.callback_metrics
        parts = [f"epoch {epoch}/{trainer.max_epochs}"]
        if "train/loss_epoch" in values:  # not after a resumption from a checkpoint of the validation
            parts.append(f"loss {values['train/loss_epoch']:.4f}")
        if "val/f1_mean" in values:
            parts.append(f"validation F1 {values['val/f1_mean']:.3f}")
        self._print(", ".join([*parts, f"{now - self._epoch_start:.1f} s", f"about {remaining:.0f} s left"]))

    def _print_batch(self, name: str, batch_idx: int, total: int | float, *, always: bool = False) -> None:
        if always or time.monotonic() - self._last_line > self.refresh_seconds:
            self._print(f"{name}: batch {batch_idx + 1}/{total}")

    def _print(self, line: str) -> None:
        if self._enabled:
            self._last_line = time.monotonic()
            print(line, flush=True)
