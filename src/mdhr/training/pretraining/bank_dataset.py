"""Dataset of the frames of a pretraining bank."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mdhr.synthetic.pretraining_bank import LANDMARK_TARGETS, PretrainingBank


class BankDataset(Dataset[tuple[Tensor, Tensor]]):
    """Frames and targets of some identities of a bank.

    A sample has the key (epoch, index) and depends on key and seed alone. It consists of a uint8 frame ``3 S S`` and
    its targets ``K``, whose landmarks are in -1 to 1 across the frame.

    In training, a random square of at least ``crop_size`` pixels is resized to ``crop_size``, with random brightness
    and contrast. Otherwise the full frame is resized.
    """

    def __init__(
        self, bank: PretrainingBank, identities: Sequence[int], *, crop_size: int, training: bool, seed: int
    ) -> None:
        self.frames = [np.load(bank.frame_file(index), mmap_mode="r") for index in identities]
        self.targets = np.stack([np.load(bank.target_file(index)) for index in identities])  # identities F K
        self.crop_size, self.training, self.seed = crop_size, training, seed

    def __len__(self) -> int:
        return self.targets.shape[0] * self.targets.shape[1]

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = key
        identity, f = divmod(index, self.targets.shape[1])
        frame, targets = self.frames[identity][f], self.targets[identity, f].copy()
        rng = np.random.default_rng([self.seed, epoch, index])
        size = len(frame)
        side = int(rng.integers(self.crop_size, size + 1)) if self.training else size
        top, left = rng.integers(0, size - side + 1, 2) if self.training else (0, 0)
        crop = cv2.resize(frame[top : top + side, left : left + side], (self.crop_size, self.crop_size))
        if self.training:
            crop = cv2.convertScaleAbs(crop, alpha=rng.uniform(0.75, 1.3), beta=rng.uniform(-20, 20))
        landmarks = targets[LANDMARK_TARGETS].reshape(-1, 2)  # a view
        landmarks[:] = (landmarks - [left, top] + 0.5) / side * 2 - 1
        return torch.from_numpy(crop).permute(2, 0, 1), torch.from_numpy(targets)
