"""Samples of a pretraining bank."""

import numpy as np
import pytest

from mdhr.synthetic.pretraining_bank import LANDMARK_TARGETS, PretrainingBank
from mdhr.training.pretraining.bank_dataset import BankDataset

SIZE = 64


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> PretrainingBank:
    root = tmp_path_factory.mktemp("bank")
    bank = PretrainingBank(
        root=root, num_identities=2, frames_per_identity=3, size=SIZE, zoom=1.0, seed=5, num_workers=1
    )
    bank.run()
    return bank


def test_landmarks_follow_the_crop(bank: PretrainingBank) -> None:
    """A spot drawn at a landmark is at the transformed landmark in the crop."""
    full = BankDataset(bank, [0], crop_size=SIZE, training=False, seed=0)
    crops = BankDataset(bank, [0], crop_size=SIZE // 2, training=True, seed=0)
    first = LANDMARK_TARGETS.start
    x, y = np.round(np.load(bank.target_file(0))[0, first : first + 2]).astype(int)
    marked = np.zeros((3, SIZE, SIZE, 3), np.uint8)
    marked[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    for dataset in (full, crops):
        dataset.frames = [marked]
        frame, targets = dataset[3, 0]
        size = frame.shape[-1]
        brightness = frame.float().mean(0) - frame.float().mean(0).min()
        if brightness.max() < 50:  # the crop may have missed the spot
            assert targets[first : first + 2].abs().max() > 0.9
            continue
        row, column = divmod(int(brightness.argmax()), size)
        expected = (targets[first : first + 2] + 1) / 2 * size - 0.5
        assert expected.tolist() == pytest.approx([column, row], abs=1.6)


def test_a_sample_depends_on_epoch_and_index_alone(bank: PretrainingBank) -> None:
    first, second = (BankDataset(bank, [0, 1], crop_size=32, training=True, seed=1) for _ in range(2))
    second[0, 0]
    assert (first[2, 4][0] == second[2, 4][0]).all()
    assert any((first[2, 4][0] != first[epoch, 4][0]).any() for epoch in range(3))
