"""Lines about videos that could not be scored."""

import os
import pickle
from pathlib import Path

import pytest

from mdhr.errors import InputError, OutputError
from mdhr.files.atomic import write_text
from mdhr.inference.video_errors import as_input_error, concerns_all_videos, error_line, format_traceback
from tests.files.test_atomic import full_disk

VIDEO = Path("a.mp4")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("cannot read video a.mp4"), "cannot read video a.mp4"),
        (FileNotFoundError(2, "No such file or directory"), "cannot score a.mp4: No such file or directory"),
        (ZeroDivisionError("float division by zero"), "cannot score a.mp4: ZeroDivisionError: float division by zero"),
        (RuntimeError("first\n  second"), "cannot score a.mp4: RuntimeError: first second"),
        (AssertionError(), "cannot score a.mp4: AssertionError"),
    ],
)
def test_every_error_is_one_line(error: Exception, line: str) -> None:
    assert error_line(VIDEO, error) == line


class Unpicklable(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def test_an_error_travels_to_another_process_with_its_traceback() -> None:
    def raise_it() -> None:
        raise Unpicklable("a", "b")

    with pytest.raises(Unpicklable) as caught:
        raise_it()
    received = pickle.loads(pickle.dumps(as_input_error(VIDEO, caught.value)))
    assert error_line(VIDEO, received) == "cannot score a.mp4: Unpicklable: a b"
    assert "in raise_it" in format_traceback(received)


def test_a_full_disk_concerns_all_videos_and_a_long_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / ("long" * 100), "")
    assert not concerns_all_videos(caught.value)
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / "a.csv", "")
    assert concerns_all_videos(caught.value)
    assert not concerns_all_videos(InputError("cannot read video a.mp4"))
