"""Which clips a process sees, and in which order.

Both are ``DistributedSampler`` in name so that Lightning leaves them in place; with one process they give everything.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Dataset, DistributedSampler

_ORDER = 2
"""Keeps the random numbers of the order apart from those of other users of the same seed."""


class EpochSampler(DistributedSampler[Any]):
    """Shuffled ``(epoch, index)`` pairs, so that workers that outlive an epoch know which one it is.

    Order and epoch follow from the seed and :meth:`set_epoch`, which Lightning calls. Batch i of all processes
    together holds the same clips as batch i of a single process with as many times the batch size. Where the
    processes do not divide the clips, the first few are drawn again: every process must take equally many steps.

    A run that was interrupted inside ``epoch`` passes how many clips this process had already ``taken`` from it;
    they are left out of that epoch once.
    """

    def __init__(
        self, dataset: Dataset[Any], *, seed: int, rank: int = 0, world_size: int = 1, epoch: int = 0, taken: int = 0
    ) -> None:
        super().__init__(dataset, num_replicas=world_size, rank=rank, shuffle=True, seed=seed)
        self.epoch = epoch
        self.taken = taken

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next iteration draws."""
        if epoch != self.epoch:
            self.taken = 0
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([_ORDER, self.seed, self.epoch]).permutation(len(self.dataset))  # type: ignore[arg-type]
        order = np.resize(order, self.total_size)[self.rank :: self.num_replicas]
        order, self.taken = order[self.taken :], 0
        return iter([(self.epoch, index) for index in order.tolist()])


class SegmentSampler(DistributedSampler[Any]):
    """Every ``world_size``-th segment, none twice: processes may get one more or less than others."""

    def __init__(self, dataset: Dataset[Any], *, rank: int = 0, world_size: int = 1) -> None:
        super().__init__(dataset, num_replicas=world_size, rank=rank, shuffle=False)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.rank, len(self.dataset), self.num_replicas))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(range(self.rank, len(self.dataset), self.num_replicas))  # type: ignore[arg-type]
