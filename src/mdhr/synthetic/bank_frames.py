"""The frames of a bank as training samples: a random crop and the targets that belong to it."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mdhr.synthetic.performance import Floats
from mdhr.synthetic.pretraining_bank import NUM_POSE, FaceBank, num_unit_targets


class BankFrames(Dataset[tuple[Tensor, Tensor]]):
    """Frames ``3 S S`` uint8 and targets ``K`` (landmarks as -1 to 1 across the crop) of some people of a bank.

    In training a random square of at least ``crop_size`` pixels is cut out and brought to that size, brighter or
    darker and of more or less contrast; else the whole frame is brought to that size. A sample depends on ``seed``,
    the epoch given with its index and the index alone.
    """

    def __init__(self, bank: FaceBank, people: Sequence[int], *, crop_size: int, training: bool, seed: int) -> None:
        self.frames = [np.load(bank.frame_file(person), mmap_mode="r") for person in people]
        self.targets = np.stack([np.load(bank.target_file(person)) for person in people])  # people F K
        self.crop_size, self.training, self.seed = crop_size, training, seed

    def __len__(self) -> int:
        return self.targets.shape[0] * self.targets.shape[1]

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = key
        person, f = divmod(index, self.targets.shape[1])
        frame, targets = self.frames[person][f], self.targets[person, f].copy()
        rng = np.random.default_rng([self.seed, epoch, index])
        size = len(frame)
        side = int(rng.integers(self.crop_size, size + 1)) if self.training else size
        top, left = rng.integers(0, size - side + 1, 2) if self.training else (0, 0)
        crop = cv2.resize(frame[top : top + side, left : left + side], (self.crop_size, self.crop_size))
        if self.training:
            crop = cv2.convertScaleAbs(crop, alpha=rng.uniform(0.75, 1.3), beta=rng.uniform(-20, 20))
        marks = _landmarks(targets)
        marks[:] = (marks - [left, top] + 0.5) / side * 2 - 1
        return torch.from_numpy(crop).permute(2, 0, 1), torch.from_numpy(targets)


def _landmarks(targets: Floats) -> Floats:
    """View ``(L, 2)`` of the landmarks in a row of targets."""
    return targets[num_unit_targets() + NUM_POSE :].reshape(-1, 2)
