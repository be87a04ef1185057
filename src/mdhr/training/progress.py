"""Progress of training and testing, on a terminal or in a log file."""

import sys
import time
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ProgressBar, TQDMProgressBar


def progress_bar(*, refresh_seconds: float) -> ProgressBar:
    """A bar on a terminal; in a log file a line an epoch and one every so many seconds."""
    return TQDMProgressBar(leave=False) if sys.stderr.isatty() else LineProgress(refresh_seconds=refresh_seconds)


class LineProgress(ProgressBar):
    """Progress as plain lines."""

    def __init__(self, *, refresh_seconds: float) -> None:
        super().__init__()
        self.refresh_seconds = refresh_seconds
        self._enabled = True
        self._started = self._epoch_started = self._said = time.monotonic()
        self._first_epoch = 0

    def disable(self) -> None:
        """Lightning calls this in all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Speak again."""
        self._enabled = True

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        """Say what lies ahead."""
        self._started = self._said = time.monotonic()
        self._first_epoch = trainer.current_epoch
        epochs = f"epochs {self._first_epoch + 1} to {trainer.max_epochs}"
        self._say(f"training: {epochs}, {self.total_train_batches} batches each")

    def on_train_epoch_start(self, *_: Any) -> None:
        """Take the time."""
        self._epoch_started = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """The very first batch, then now and then."""
        first = batch_idx == 0 and trainer.current_epoch == self._first_epoch
        self._now_and_then(f"epoch {trainer.current_epoch + 1}", batch_idx, self.total_train_batches, always=first)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Now and then."""
        self._now_and_then("validation", batch_idx, trainer.num_val_batches[0])

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Now and then."""
        self._now_and_then("test", batch_idx, trainer.num_test_batches[0])

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        """Loss, last validation, time taken and left."""
        now, epoch = time.monotonic(), trainer.current_epoch + 1
        left = (now - self._started) / (epoch - self._first_epoch) * ((trainer.max_epochs or epoch) - epoch)
        values = trainer.callback_metrics
        parts = [f"epoch {epoch}/{trainer.max_epochs}", f"loss {values['train/loss_epoch']:.4f}"]
        if "val/f1_mean" in values:
            parts.append(f"validation F1 {values['val/f1_mean']:.3f}")
        self._say(", ".join([*parts, f"{now - self._epoch_started:.1f} s", f"about {left:.0f} s left"]))

    def _now_and_then(self, what: str, batch_idx: int, total: int | float, *, always: bool = False) -> None:
        if always or time.monotonic() - self._said > self.refresh_seconds:
            self._say(f"{what}: batch {batch_idx + 1}/{total}")

    def _say(self, line: str) -> None:
        if self._enabled:
            self._said = time.monotonic()
            print(line, flush=True)
