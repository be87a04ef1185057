"""A folder remembers its settings and the time spent on it."""

from pathlib import Path

import pytest

from mdhr.errors import InputError
from mdhr.run_folder import keep_settings, read_seconds, stopwatch

SETTINGS = {"data": {"fold": 1, "jitter": [0.6, 1.4]}, "logger": {}, "seed": None}


def test_the_same_settings_are_welcome_again(tmp_path: Path) -> None:
    keep_settings(tmp_path / "run", SETTINGS)
    keep_settings(tmp_path / "run", SETTINGS)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({**SETTINGS, "data": {"fold": 2, "jitter": [0.6, 1.4]}}, "data.fold=1, not 2"),
        ({**SETTINGS, "data": {"fold": 1, "jitter": [0.5, 1.4]}}, r"data.jitter=\[0.6, 1.4\], not \[0.5, 1.4\]"),
        ({"seed": None}, "data.fold=1, not None"),
    ],
)
def test_other_settings_are_named(tmp_path: Path, now: dict[str, object], said: str) -> None:
    keep_settings(tmp_path, SETTINGS)
    with pytest.raises(InputError, match=f"{said}.*remove the folder"):
        keep_settings(tmp_path, now)


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
