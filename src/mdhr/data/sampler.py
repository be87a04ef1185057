"""Samplers that divide the clips of a data set between processes.

Both are subclasses of ``DistributedSampler``, so Lightning does not replace them. A single process receives all clips.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from lightning.pytorch import Trainer
from torch.utils.data import Dataset, DistributedSampler

_SHUFFLE_STREAM = 2
"""Separates the random numbers of the order from those that other modules derive from the same seed."""


class EpochSampler(DistributedSampler[Any]):
    """Sampler of shuffled ``(epoch, index)`` pairs for training.

    The pairs contain the epoch because persistent workers do not receive it otherwise. The order is a function of
    seed and epoch. Batch i of all processes together contains the same clips as batch i of a single process with the
    total batch size. If the number of clips is not divisible by the number of processes, the first clips of the order
    are repeated at the end, so that all processes take the same number of steps.

    Args:
        dataset: dataset of clips. Only its length is used.
        seed: seed of the order.
        rank: number of this process.
        world_size: number of processes.
        epoch: first epoch.
        num_skipped: clips of this process that an interrupted run has already used in ``epoch``. They are skipped once.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        *,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        epoch: int = 0,
        num_skipped: int = 0,
    ) -> None:
        super().__init__(dataset, num_replicas=world_size, rank=rank, shuffle=True, seed=seed)
        self.epoch = epoch
        self.num_skipped = num_skipped

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration. Lightning calls this before every epoch."""
        if epoch != self.epoch:
            self.num_skipped = 0
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng([_SHUFFLE_STREAM, self.seed, self.epoch])
        order = rng.permutation(len(self.dataset))  # type: ignore[arg-type]
        order = np.resize(order, self.total_size)[self.rank :: self.num_replicas]
        order, self.num_skipped = order[self.num_skipped :], 0
        return iter([(self.epoch, index) for index in order.tolist()])


class SegmentSampler(DistributedSampler[Any]):
    """Sampler of every ``world_size``-th segment for validation and test.

    The number of segments per process may differ by one. No segment is repeated, except the first one in a process that
    would have none: Lightning skips the test of such a process, and the others wait for it. The scores of a repeated
    segment must be counted once.
    """

    def __init__(self, dataset: Dataset[Any], *, rank: int = 0, world_size: int = 1) -> None:
        super().__init__(dataset, num_replicas=world_size, rank=rank, shuffle=False)

    def __iter__(self) -> Iterator[int]:
        return iter(self._segments())

    def __len__(self) -> int:
        return len(self._segments())

    def _segments(self) -> range:
        num_segments = len(self.dataset)  # type: ignore[arg-type]
        return range(self.rank if self.rank < num_segments else 0, num_segments, self.num_replicas)


def resume_epoch(sampler: EpochSampler, trainer: Trainer, *, num_batches: int, batch_size: int) -> None:
    """Set epoch and position of a sampler for a resumed trainer.

    The trainer sets the epoch only after workers have loaded their first clips, and never sets the position inside the
    epoch. Both come from its counters.

    Args:
        num_batches: batches of a complete epoch.
        batch_size: clips of a batch of this process.
    """
    fit_loop = trainer.fit_loop
    sampler.epoch = fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined]
    batches = fit_loop.epoch_loop.batch_progress.current.processed  # type: ignore[attr-defined]
    if fit_loop.epoch_progress.current.ready == sampler.epoch:  # between two epochs
        return
    sampler.epoch += batches // num_batches
    sampler.num_skipped = batches % num_batches * batch_size
    # Lightning is unaware of the position and warns that the data loader is not resumable.
    warnings.filterwarnings("ignore", message=".*ended before the epoch ended and your dataloader is not resumable")
