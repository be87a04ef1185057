"""Resident memory over 200 training steps and 60 predictions: `python benchmarks/memory.py`.

One process trains a small MDHR on rendered faces, then scores the same video 60 times. After the warm-up of each
part the memory must stay flat: its linear trend over the rest may be at most 5 % of its value. Memory is read from
``/proc``, so the benchmark requires Linux. The exit status is 1 if a part is not flat.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig

from mdhr.config.composition import compose_config
from mdhr.data.prepare_data import prepare
from mdhr.data.prepared.manifest import read_manifest
from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame_images import read_frame
from mdhr.inference.model_loading import load_model
from mdhr.inference.predictor import Predictor
from mdhr.training.training_run import train

STEPS, PREDICTIONS = 200, 60
WARM_UP = 0.25
"""Share of the measurements that is ignored: caches of libraries fill at first."""
TOLERANCE = 0.05
"""Largest change over the remaining measurements, as a share of their mean."""


class MemoryLog(Callback):
    """Resident memory after every training step."""

    def __init__(self) -> None:
        self.megabytes: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        """Append the memory."""
        self.megabytes.append(resident_megabytes())


LOG = MemoryLog()


def memory_log() -> MemoryLog:
    """Return the callback of this process; named in the settings of the training."""
    return LOG


def resident_megabytes() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def trend(megabytes: Sequence[float]) -> tuple[float, float]:
    """Return the mean after the warm-up and the change over these measurements by linear regression, as a share of it."""
    steady = np.array(megabytes[int(WARM_UP * len(megabytes)) :])
    slope = np.polyfit(np.arange(len(steady)), steady, 1)[0]
    return float(steady.mean()), float(slope * (len(steady) - 1) / steady.mean())


def settings(folder: Path, steps: int) -> DictConfig:
    """Return the settings of a training on 12 rendered videos, with a checkpoint every tenth epoch."""
    return compose_config(
        "train",
        [
            "experiment=smoke",
            f"data.root={folder / 'data'}",
            f"run_dir={folder / 'run'}",
            "data.prepare.num_subjects=6",
            "data.prepare.num_tasks=2",
            "data.prepare.num_frames=32",
            "data.protocol=paper",
            f"trainer.max_epochs={-(-steps // 4)}",  # one clip of each of 8 training videos, 2 per step
            "trainer.check_val_every_n_epoch=10",
            "callbacks.last.every_n_epochs=10",
            "~callbacks.metrics",
            "~callbacks.progress",
            f"+callbacks.memory._target_={__name__}.memory_log",
        ],
    )


def training(folder: Path) -> list[float]:
    """Train and return the memory after each of the steps."""
    cfg = settings(folder, STEPS)
    prepare(cfg)
    train(cfg)
    return LOG.megabytes


def predictions(folder: Path) -> list[float]:
    """Score a video of 32 frames and return the memory after each time."""
    manifest = read_manifest(folder / "data")
    video = folder / "video.mp4"
    with write_video(video) as add:
        for frame, image in enumerate(manifest.videos()[0].paths):
            add(frame / manifest.fps, cv2.resize(read_frame(image, manifest.size), (320, 320)))
    predictor = Predictor(load_model(folder / "run"))
    megabytes = []
    for _ in range(PREDICTIONS):
        predictor.predict(video)
        megabytes.append(resident_megabytes())
    return megabytes


def main() -> int:
    """Print one line per part; return 1 if the memory of one grows."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as name:
        for part in (training, predictions):
            megabytes = part(Path(name))
            mean, change = trend(megabytes)
            flat = abs(change) <= TOLERANCE
            status |= not flat
            print(
                f"{part.__name__}: {len(megabytes)} times, {mean:.0f} MB, trend {100 * change:+.1f} %: "
                f"{'flat' if flat else 'not flat'}"
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
