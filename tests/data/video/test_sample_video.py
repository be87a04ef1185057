"""Download of the sample video."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mdhr.data.video import sample_video
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.errors import InputError


def test_failed_download_raises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sample_video.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1))
    with pytest.raises(InputError, match=r"cannot download the sample video .* internet connection"):
        fetch_sample_video(tmp_path)


def test_existing_file_is_reused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "carphone_pristine.mp4").write_bytes(b"content")
    monkeypatch.setattr(sample_video.subprocess, "run", None)
    assert fetch_sample_video(tmp_path) == tmp_path / "carphone_pristine.mp4"
