"""Replacement of a run by a new one in the same folder, without a moment at which both are lost.

The files of the old run are moved to the subfolder ``.replaced``. They are deleted when the new run has its first
checkpoint. If the new run ends before that, they are moved back: at once, or after a kill when the next command uses
the folder. ``checkpoints`` is moved first and moved back last, so that a ``last.ckpt`` next to ``.replaced`` always
belongs to the new run.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from mdhr.errors import InputError
from mdhr.training.elapsed_time import SECONDS_FILE
from mdhr.training.run_folder import SETTINGS_FILE, SUBJECTS_FILE
from mdhr.training.run_record import METRICS_FILE

REPLACED = ".replaced"
"""Subfolder of a run folder for the run that is being replaced."""
_CHECKPOINTS = "checkpoints"
_ENTRIES = (_CHECKPOINTS, METRICS_FILE, SETTINGS_FILE, SUBJECTS_FILE, SECONDS_FILE, "predictions.parquet",
            "model.yaml", "model_card.md", "csv", "evaluation")  # fmt: skip
"""Files and folders of a run that are replaced. All others, such as notes and wandb runs, stay."""


@contextmanager
def replacing_run(run: Path, last: Path) -> Iterator[None]:
    """Move the run in the folder ``run`` aside during the block; afterwards keep either the new or the old run.

    Args:
        last: ``last.ckpt`` of both runs.

    Raises ``InputError`` if the files cannot be moved, or the old run has its ``last.ckpt`` elsewhere.
    """
    if last.exists() and last.parent.resolve() != (run / _CHECKPOINTS).resolve():
        raise InputError(f"callbacks.last.path={last} is not in {run / _CHECKPOINTS}. Delete it to replace the run.")
    try:
        _move_aside(run)
        yield
    finally:
        settle_replacement(run, last)


def settle_replacement(run: Path, last: Path) -> None:
    """Delete the replaced run if the new run has a checkpoint, otherwise move it back. Does nothing without one."""
    replaced = run / REPLACED
    if not replaced.is_dir():
        return
    try:
        if not last.exists():
            for entry in sorted(replaced.iterdir(), key=lambda path: path.name == _CHECKPOINTS):
                _delete(run / entry.name)
                entry.rename(run / entry.name)
        shutil.rmtree(replaced)
    except OSError as error:
        raise InputError(f"cannot restore or delete {replaced}: {error.strerror or error}") from error


class ReplacementEnd(Callback):
    """Callback that deletes the replaced run as soon as the new run has its first checkpoint."""

    def __init__(self, run: Path, last: Path) -> None:
        self.run, self.last = run, last

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Delete the replaced run in the first process. The initial state has been saved before the first epoch."""
        if trainer.is_global_zero and self.last.exists():
            settle_replacement(self.run, self.last)


def _move_aside(run: Path) -> None:
    entries = [run / name for name in _ENTRIES if (run / name).exists()]
    replaced = run / REPLACED
    try:
        if entries:
            replaced.mkdir()
        for entry in entries:
            entry.rename(replaced / entry.name)
    except OSError as error:
        raise InputError(f"cannot move the run in {run} to {replaced}: {error.strerror or error}") from error


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
