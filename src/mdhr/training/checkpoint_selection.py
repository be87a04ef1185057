"""Checkpoint that is tested at the end of a training run."""

from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from mdhr.data.datamodule import FaceVideoData
from mdhr.training.module import ActionUnitModule


def selected_checkpoint(trainer: Trainer, module: ActionUnitModule, data: FaceVideoData) -> tuple[Path, float]:
    """Return the checkpoint with the best validation, and the value of the monitored metric.

    If training ended before the first validation (``max_steps``, ``max_time``) or saves no checkpoints
    (``fast_dev_run``), the final network is validated and saved instead. Collective call.
    """
    best = trainer.checkpoint_callback
    assert isinstance(best, ModelCheckpoint)
    if best.best_model_score is not None:
        return Path(best.best_model_path), float(best.best_model_score)
    assert best.dirpath is not None
    path = Path(best.dirpath) / f"{best.filename}.ckpt"
    trainer.save_checkpoint(path)
    trainer.validate(module, datamodule=data, verbose=False)
    return path, float(trainer.callback_metrics[str(best.monitor)])
