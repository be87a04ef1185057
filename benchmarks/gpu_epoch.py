"""Time of a training epoch with the data loader, for the benchmark of one GPU (gpu.py)."""

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import networks
import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch import Trainer
from loader import NUM_FRAMES, build
from networks import seconds
from roofline import synchronize

from mdhr.action_units import BP4D
from mdhr.batch import ClipBatch
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared.manifest import read_manifest


class Epoch(NamedTuple):
    """Times of an epoch in seconds."""

    total: float
    step: float
    """Time of a step on a batch that is on the device."""
    num_steps: int

    @property
    def data_wait(self) -> float:
        """Share of the epoch that is not spent in steps, in percent."""
        return max(0.0, 100 * (1 - self.num_steps * self.step / self.total))


def epoch_seconds(
    step: Callable[[ClipBatch], None],
    device: torch.device,
    *,
    num_clips: int,
    num_workers: int,
) -> Epoch:
    """Return the times of the second epoch; the first one starts the workers and fills the caches.

    The data set has rendered faces as JPEG files of 256 px.

    Args:
        step: takes a training step with a batch on the device.
        num_clips: clips per step.
        num_workers: processes of the data loader.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        build(root)
        data = FaceVideoData(
            source=partial(read_manifest, root),
            au_set=BP4D,
            protocol="paper",
            fold=1,
            num_frames=NUM_FRAMES,
            crop_size=networks.SIZE,
            batch_size=num_clips,
            seed=0,
            clips_per_video=2 * num_clips,  # of 15 videos: 30 steps
            num_workers=num_workers,
        )
        accelerator = "gpu" if device.type == "cuda" else device.type
        data.trainer = Trainer(accelerator=accelerator, devices=1, logger=False, enable_checkpointing=False)
        loader = data.train_dataloader()
        num_steps = len(loader)

        def to_device(batch: ClipBatch) -> ClipBatch:
            return data.on_after_batch_transfer(move_data_to_device(batch, device), 0)

        def run(batches: Iterable[ClipBatch]) -> None:
            for batch in batches:
                step(batch)
            synchronize(device)

        def epoch() -> None:
            run(map(to_device, loader))

        epoch()
        total, _ = seconds(epoch)
        resident = to_device(next(iter(loader)))
        in_steps, _ = seconds(lambda: run(repeat(resident, num_steps)))
        return Epoch(total, in_steps / num_steps, num_steps)
