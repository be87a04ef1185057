"""A resumed run trains on the same clips as an uninterrupted run, wherever its checkpoint was saved."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from mdhr.batch import ClipBatch
from mdhr.data.datamodule import FaceVideoData

EPOCHS = 3


class Recorder(LightningModule):
    """Records the clips of every step. Its parameter is not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.clips: list[tuple[int, str]] = []

    def training_step(self, batch: ClipBatch, batch_idx: int) -> Tensor:
        frames = [(int(v), f.tolist(), float(x.mean())) for v, f, x in zip(batch.video, batch.frame, batch.frames)]  # noqa: B905
        self.clips.append((self.current_epoch, str(frames)))
        return self.weight * 1.0

    def validation_step(self, batch: ClipBatch, batch_idx: int) -> None:
        pass

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Save(Callback):
    """Saves a checkpoint in a hook at a step, then stops the run."""

    def __init__(self, hook: str, step: int, path: Path) -> None:
        self.step, self.path = step, path
        setattr(self, hook, self._save)

    def _save(self, trainer: Trainer, module: Recorder, *_: Any) -> None:
        if len(module.clips) == self.step and not trainer.sanity_checking and not self.path.exists():
            trainer.save_checkpoint(self.path)
            raise Stop


class Stop(Exception):
    pass


def fit(data: FaceVideoData, folder: Path, callbacks: list[Callback], checkpoint: Path | None = None) -> Recorder:
    module = Recorder()
    trainer = Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        check_val_every_n_epoch=1,
    )
    with suppress(Stop):
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=False)
    return module


@pytest.mark.filterwarnings("ignore:.*num_workers.*", "ignore:.*shorter than a clip")
@pytest.mark.parametrize(
    ("hook", "steps_done", "at", "num_workers"),
    [
        ("on_train_epoch_end", 6, 6, 0),
        ("on_train_epoch_end", 6, 6, 2),
        ("on_validation_end", 6, 6, 0),
        ("on_train_batch_end", 5, 5, 0),
        ("on_train_batch_end", 5, 5, 2),
        ("on_train_batch_end", 2, 2, 0),
        ("on_train_batch_end", 6, 6, 0),
        ("on_before_zero_grad", 4, 5, 0),
    ],
)
def test_resumed_run_trains_on_the_clips_of_the_uninterrupted_run(
    make_data: Callable[..., FaceVideoData], tmp_path: Path, hook: str, steps_done: int, at: int, num_workers: int
) -> None:
    uninterrupted = fit(make_data(batch_size=2), tmp_path, []).clips
    assert len(uninterrupted) == 3 * EPOCHS
    path = tmp_path / "interrupted.ckpt"
    interrupted = fit(make_data(batch_size=2, num_workers=num_workers), tmp_path, [Save(hook, at, path)]).clips
    resumed = fit(make_data(batch_size=2, num_workers=num_workers), tmp_path, [], checkpoint=path).clips
    assert interrupted == uninterrupted[:at]
    assert resumed == uninterrupted[steps_done:]
