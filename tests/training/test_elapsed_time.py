"""Time spent on a folder of results."""

from pathlib import Path

import pytest

from mdhr.training.elapsed_time import read_seconds, stopwatch


def test_time_adds_up_over_interruptions(tmp_path: Path) -> None:
    assert read_seconds(tmp_path) == {}
    with pytest.raises(KeyboardInterrupt), stopwatch(tmp_path, "train"):
        raise KeyboardInterrupt
    first = read_seconds(tmp_path)["train"]
    with stopwatch(tmp_path, "train"):
        pass
    assert 0 < first < read_seconds(tmp_path)["train"] < 60


def test_a_folder_that_never_came_to_be_is_not_made(tmp_path: Path) -> None:
    with stopwatch(tmp_path / "none", "render"):
        pass
    assert not (tmp_path / "none").exists()
