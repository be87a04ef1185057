from pathlib import Path

import numpy as np
import pytest

from mdhr.errors import InputError
from mdhr.synthetic.bank_frames import BankFrames
from mdhr.synthetic.pretraining_bank import NUM_POSE, FaceBank, num_unit_targets

SIZE = 64


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> FaceBank:
    bank = make_bank(tmp_path_factory.mktemp("bank"))
    bank.run()
    return bank


def make_bank(root: Path) -> FaceBank:
    return FaceBank(root=root, num_identities=2, frames_per_identity=3, size=SIZE, zoom=1.0, seed=5, num_workers=1)


def test_every_person_has_frames_and_targets(bank: FaceBank) -> None:
    frames, targets = np.load(bank.frame_file(1)), np.load(bank.target_file(1))
    assert frames.shape == (3, SIZE, SIZE, 3)
    assert frames.dtype == np.uint8
    assert targets.shape[0] == 3
    intensity = targets[:, : num_unit_targets()]
    assert intensity.min() >= 0
    assert 0.3 < intensity.max() <= 1.5
    marks = targets[:, num_unit_targets() + NUM_POSE :].reshape(3, -1, 2)
    assert marks.shape[1] > 50
    assert np.median(marks) == pytest.approx(SIZE / 2, abs=SIZE / 4)


def test_people_differ_and_the_same_seed_gives_the_same_bytes(bank: FaceBank, tmp_path: Path) -> None:
    again = make_bank(tmp_path)
    again.run()
    for person in range(2):
        assert again.frame_file(person).read_bytes() == bank.frame_file(person).read_bytes()
        assert again.target_file(person).read_bytes() == bank.target_file(person).read_bytes()
    assert bank.frame_file(0).read_bytes() != bank.frame_file(1).read_bytes()


def test_a_stopped_bank_renders_only_who_is_missing(bank: FaceBank, tmp_path: Path) -> None:
    again = make_bank(tmp_path)
    again.run()
    kept = again.frame_file(1).stat().st_mtime_ns
    again.target_file(0).unlink()  # the last thing written: without it the person is not there
    again.run()
    assert again.target_file(0).read_bytes() == bank.target_file(0).read_bytes()
    assert again.frame_file(1).stat().st_mtime_ns == kept


def test_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .*choose another bank\.root"):
        make_bank(tmp_path / "file" / "bank").run()


def test_landmarks_follow_the_crop(bank: FaceBank) -> None:
    """A pixel marked in the frame is found where the cropped landmark says."""
    whole = BankFrames(bank, [0], crop_size=SIZE, training=False, seed=0)
    crops = BankFrames(bank, [0], crop_size=SIZE // 2, training=True, seed=0)
    first = num_unit_targets() + NUM_POSE
    x, y = np.round(np.load(bank.target_file(0))[0, first : first + 2]).astype(int)
    marked = np.zeros((3, SIZE, SIZE, 3), np.uint8)
    marked[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    for dataset in (whole, crops):
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


def test_a_sample_depends_on_epoch_and_index_alone(bank: FaceBank) -> None:
    first, second = (BankFrames(bank, [0, 1], crop_size=32, training=True, seed=1) for _ in range(2))
    second[0, 0]
    assert (first[2, 4][0] == second[2, 4][0]).all()
    assert any((first[2, 4][0] != first[epoch, 4][0]).any() for epoch in range(3))
