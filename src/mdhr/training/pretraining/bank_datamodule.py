"""Data module of the pretraining: random training frames and the frames of the validation identities."""

from collections.abc import Iterator

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from mdhr.config.ranges import BatchSize, CropSize, NumWorkers, PositiveInt, Seed
from mdhr.files.worker_pool import data_loader_context
from mdhr.synthetic.pretraining_bank import PretrainingBank
from mdhr.training.pretraining.bank_dataset import BankDataset

NUM_MOMENT_SAMPLES = 2000


class RandomFrameSampler(Sampler[tuple[int, int]]):
    """Sampler of ``num_samples`` random keys (epoch, index), determined by seed and epoch."""

    def __init__(self, *, num_frames: int, num_samples: int, seed: int, epoch: int) -> None:
        self.num_frames, self.num_samples, self.seed, self.epoch = num_frames, num_samples, seed, epoch

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        indices = torch.randint(self.num_frames, (self.num_samples,), generator=generator).tolist()
        return iter([(self.epoch, index) for index in indices])


class BankDataModule(LightningDataModule):
    """Data module of a bank: the last ``num_validation_identities`` are for validation, the others for training.

    An epoch consists of ``frames_per_epoch`` random frames. It is shorter than a pass over the bank, because an
    interrupted run resumes at the start of an epoch.
    """

    def __init__(
        self,
        *,
        bank: PretrainingBank,
        crop_size: CropSize,
        batch_size: BatchSize,
        frames_per_epoch: PositiveInt,
        num_validation_identities: PositiveInt,
        num_workers: NumWorkers,
        seed: Seed,
    ) -> None:
        super().__init__()
        identities = range(bank.num_identities)
        cut = bank.num_identities - num_validation_identities
        self.train = BankDataset(bank, identities[:cut], crop_size=crop_size, training=True, seed=seed)
        self.val = BankDataset(bank, identities[cut:], crop_size=crop_size, training=False, seed=seed)
        self.batch_size, self.frames_per_epoch = batch_size, frames_per_epoch
        self.num_workers, self.seed = num_workers, seed

    def target_moments(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation ``K`` of the targets, estimated on ``NUM_MOMENT_SAMPLES`` samples."""
        sampler = RandomFrameSampler(
            num_frames=len(self.train), num_samples=NUM_MOMENT_SAMPLES, seed=self.seed, epoch=0
        )
        targets = torch.stack([self.train[key][1] for key in sampler])
        return targets.mean(0), targets.std(0)

    def train_dataloader(self) -> DataLoader:
        """Return a loader of the random frames of the current epoch."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        sampler = RandomFrameSampler(
            num_frames=len(self.train), num_samples=self.frames_per_epoch, seed=self.seed, epoch=epoch
        )
        return DataLoader(
            self.train,
            self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            multiprocessing_context=data_loader_context(self.num_workers),
            drop_last=True,
        )

    def val_dataloader(self) -> DataLoader:
        """Return a loader of all frames of the validation identities."""
        return DataLoader(self.val, self.batch_size, sampler=[(0, index) for index in range(len(self.val))])
