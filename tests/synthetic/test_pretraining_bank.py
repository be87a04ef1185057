"""Pretraining bank: files, determinism, and resumption."""

from pathlib import Path

import numpy as np
import pytest

from mdhr.errors import InputError
from mdhr.synthetic.general_acting import simulate_independent_clips
from mdhr.synthetic.pretraining_bank import INTENSITY_TARGETS, LANDMARK_TARGETS, PretrainingBank

SIZE = 64


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> PretrainingBank:
    bank = make_bank(tmp_path_factory.mktemp("bank"))
    bank.run()
    return bank


def make_bank(root: Path, **changed) -> PretrainingBank:
    settings = {"num_identities": 2, "frames_per_identity": 3, "size": SIZE, "zoom": 1.0, "seed": 5, "num_workers": 1}
    return PretrainingBank(root=root, **settings | changed)


def test_every_identity_has_frames_and_targets(bank: PretrainingBank) -> None:
    frames, targets = np.load(bank.frame_file(1)), np.load(bank.target_file(1))
    assert frames.shape == (3, SIZE, SIZE, 3)
    assert frames.dtype == np.uint8
    assert targets.shape[0] == 3
    intensity = targets[:, INTENSITY_TARGETS]
    assert intensity.min() >= 0
    assert 0.3 < intensity.max() <= 1.5
    marks = targets[:, LANDMARK_TARGETS].reshape(3, -1, 2)
    assert marks.shape[1] > 50
    assert np.median(marks) == pytest.approx(SIZE / 2, abs=SIZE / 4)


def test_equal_seeds_give_equal_bytes(bank: PretrainingBank, tmp_path: Path) -> None:
    again = make_bank(tmp_path)
    again.run()
    for index in range(2):
        assert again.frame_file(index).read_bytes() == bank.frame_file(index).read_bytes()
        assert again.target_file(index).read_bytes() == bank.target_file(index).read_bytes()
    assert bank.frame_file(0).read_bytes() != bank.frame_file(1).read_bytes()


def test_an_interrupted_bank_renders_missing_identities_only(bank: PretrainingBank, tmp_path: Path) -> None:
    again = make_bank(tmp_path)
    again.run()
    kept = again.frame_file(1).stat().st_mtime_ns
    again.target_file(0).unlink()  # written last, so the identity counts as missing
    again.run()
    assert again.target_file(0).read_bytes() == bank.target_file(0).read_bytes()
    assert again.frame_file(1).stat().st_mtime_ns == kept


def test_root_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .*Choose another bank\.root"):
        make_bank(tmp_path / "file" / "bank").run()


def test_general_style_changes_the_looks_every_few_frames(tmp_path: Path) -> None:
    bank, again = (
        make_bank(tmp_path / name, style="general", frames_per_identity=10, num_identities=2) for name in ("a", "b")
    )
    for one in (bank, again):
        one.run()
    frames, targets = np.load(bank.frame_file(1)), np.load(bank.target_file(1))
    assert frames.shape == (10, SIZE, SIZE, 3)
    assert len(targets) == 10
    assert bank.frame_file(1).read_bytes() == again.frame_file(1).read_bytes()
    assert bank.target_file(1).read_bytes() == again.target_file(1).read_bytes()
    assert bank.frame_file(1).name != make_bank(tmp_path).frame_file(1).name, "styles do not share files"
    clips = simulate_independent_clips(rng=np.random.default_rng(0), num_frames=10)
    assert [clip.num_frames for clip in clips] == [4, 4, 2]
    assert len({clip.background_seed for clip in clips}) == 3
    assert np.concatenate([clip.mouth for clip in clips]).any()


def test_banks_in_one_folder_share_the_files_of_a_head(tmp_path: Path) -> None:
    both = make_bank(tmp_path, style="general", heads=("anny", "ict"), num_identities=4, frames_per_identity=2)
    both.run()
    files = sorted(tmp_path.iterdir())
    for head in ("anny", "ict"):
        make_bank(tmp_path, style="general", heads=(head,), frames_per_identity=2).run()
    assert sorted(tmp_path.iterdir()) == files
    frames, targets = (np.stack([np.load(file(i)) for i in range(4)]) for file in (both.frame_file, both.target_file))
    assert len(np.unique(frames.reshape(8, -1), axis=0)) == 8, "every identity has its own frames"
    assert targets.shape == (4, 2, LANDMARK_TARGETS.start + 2 * 75), "both heads have the same landmarks"
