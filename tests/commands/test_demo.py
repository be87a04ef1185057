"""The command ``mdhr demo``: any file name can be passed as a video."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mdhr.commands.demo import quote_video


@pytest.mark.parametrize("name", ["it's a $file.mp4", "a${b},(1)=[2] é.mp4", "back\\slash\\", "~/clip.mp4", "1"])
def test_a_video_of_any_name_reaches_the_demo(
    exit_status: Callable[..., int], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    videos = []
    monkeypatch.setattr("mdhr.reporting.demo_run.run_demo", lambda cfg: videos.append(cfg.video) or {"f1_mean": 1.0})
    assert exit_status("demo", f"video={name}") == 0
    assert videos == [name]


def test_other_overrides_are_unchanged() -> None:
    for argument in ("video=null", "video=", "video='my clip.mp4'", "trainer.max_epochs=3", "--cfg"):
        assert quote_video(argument) == argument


def test_an_absent_video_is_named(
    exit_status: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_status("demo", "video=it's ${not} here.mp4") == 2
    assert "video: file 'it's ${not} here.mp4' does not exist" in capsys.readouterr().err
