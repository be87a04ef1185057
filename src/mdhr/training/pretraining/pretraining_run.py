"""Pretrain a small backbone on rendered frames: ``mdhr pretrain``, settings in ``conf/pretrain.yaml``.

MDHR starts from a backbone that has seen many images (the paper: ImageNet). Here that is a bank of independent rendered
frames with dense, position-aware targets: intensity of every face unit on both sides, head pose, gaze, blink and the
places of landmarks. Half an hour on two cores; stopped in any way, the same command goes on where it was.
"""

import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from hydra.utils import instantiate
from lightning.pytorch import LightningDataModule, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig
from safetensors.torch import save
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from mdhr.config.signals import stop_on_signals
from mdhr.files.atomic import write_bytes
from mdhr.synthetic.bank_frames import BankFrames
from mdhr.synthetic.pretraining_bank import FaceBank
from mdhr.training.pretraining.face_targets import FaceTargets


class RandomFrames(Sampler[tuple[int, int]]):
    """``num_samples`` random (epoch, index) pairs, the same ones for the same seed and epoch."""

    def __init__(self, *, num_frames: int, num_samples: int, seed: int, epoch: int) -> None:
        self.num_frames, self.num_samples, self.seed, self.epoch = num_frames, num_samples, seed, epoch

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        indices = torch.randint(self.num_frames, (self.num_samples,), generator=generator).tolist()
        return iter([(self.epoch, index) for index in indices])


class BankData(LightningDataModule):
    """A share of the bank's people for validation, the rest for training.

    An epoch is a number of random frames, not the whole bank: the end of an epoch is where an interrupted run goes on.
    """

    def __init__(
        self,
        *,
        bank: FaceBank,
        crop_size: int,
        batch_size: int,
        frames_per_epoch: int,
        validation_people: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        people = range(bank.num_identities)
        cut = bank.num_identities - validation_people
        self.train = BankFrames(bank, people[:cut], crop_size=crop_size, training=True, seed=seed)
        self.val = BankFrames(bank, people[cut:], crop_size=crop_size, training=False, seed=seed)
        self.batch_size, self.frames_per_epoch = batch_size, frames_per_epoch
        self.num_workers, self.seed = num_workers, seed

    def target_moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation ``K`` of the targets over one epoch's worth of samples."""
        sample = RandomFrames(num_frames=len(self.train), num_samples=2000, seed=self.seed, epoch=0)
        targets = torch.stack([self.train[key][1] for key in sample])
        return targets.mean(0), targets.std(0)

    def train_dataloader(self) -> DataLoader:
        """Random frames of this epoch."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        sampler = RandomFrames(
            num_frames=len(self.train), num_samples=self.frames_per_epoch, seed=self.seed, epoch=epoch
        )
        return DataLoader(self.train, self.batch_size, sampler=sampler, num_workers=self.num_workers, drop_last=True)

    def val_dataloader(self) -> DataLoader:
        """Every frame of the people kept back."""
        return DataLoader(self.val, self.batch_size, sampler=[(0, index) for index in range(len(self.val))])


class LineAnEpoch(ModelCheckpoint):
    """Keep the last epoch, and say how far training is."""

    started: tuple[float, int] | None = None
    """When this process finished its first epoch, and which that was."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """One line with the time left."""
        super().on_validation_end(trainer, pl_module)
        self.started = self.started or (time.monotonic(), trainer.current_epoch)
        since, first = self.started
        left = ""
        if done := trainer.current_epoch - first:
            seconds = (time.monotonic() - since) / done * ((trainer.max_epochs or 0) - trainer.current_epoch - 1)
            left = f", about {seconds / 60:.0f} min left"
        values = {key.removeprefix("val/"): float(value) for key, value in trainer.callback_metrics.items()}
        shown = ", ".join(f"{key} {values[key]:.3f}" for key in ("auc_by_position", "auc_by_region", "landmark_error"))
        print(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: {shown}{left}", flush=True)


def pretrain(cfg: DictConfig) -> Path:
    """Render the bank, train, and write the backbone's weights; returns where."""
    bank: FaceBank = instantiate(cfg.bank)
    with stop_on_signals():
        bank.run()
        seed_everything(cfg.seed, workers=True, verbose=False)
        data: BankData = instantiate(cfg.data)(bank=bank)
        mean, std = data.target_moments()
        module: FaceTargets = instantiate(cfg.module)(target_mean=mean, target_std=std)
        logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
        warnings.filterwarnings("ignore", message=".*does not have many workers|.*exists and is not empty|.*LeafSpec")
        last = LineAnEpoch(dirpath=Path(cfg.run_dir), filename="last", enable_version_counter=False)
        trainer = instantiate(cfg.trainer, callbacks=[last], logger=CSVLogger(cfg.run_dir, name="", version=""))
        checkpoint = Path(cfg.run_dir) / "last.ckpt"
        trainer.fit(module, data, ckpt_path=checkpoint if checkpoint.is_file() else None, weights_only=True)
    weights = Path(cfg.weights)
    weights.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.contiguous() for key, value in module.backbone.model.state_dict().items()}
    write_bytes(weights, save(state))
    print(f"weights of {cfg.backbone.name} are in {weights} ({weights.stat().st_size / 1e6:.1f} MB)")
    return weights
