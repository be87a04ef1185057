"""The command ``mdhr predict --annotate`` on videos with unusual times, sizes and orientation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import mdhr.data.faces.detection
import mdhr.inference.model_loading
from mdhr.commands.predict import main
from mdhr.data.video.decoding import read_video
from tests.support.ffmpeg import FAST, ffmpeg, moving_pattern, write_pattern
from tests.support.stub_model import Marked, StubModel

GRAY = ("-vf", "hue=s=0")
"""Options for a video without the blue faces of the stub detector."""
TIMES_START_AGAIN = "its time stamps start again, as in recordings appended to each other; they are joined"


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Folder of videos without faces, and of one without a video stream."""
    folder = tmp_path / "videos"
    folder.mkdir()
    pattern = write_pattern(tmp_path / "pattern.mp4", *GRAY, seconds=0.6)
    ffmpeg("-i", pattern, "-c", "copy", folder / "b_frames.avi")
    ffmpeg("-itsoffset", "5", "-i", pattern, "-c", "copy", folder / "late.mkv")
    ffmpeg("-display_hflip:v:0", "-i", pattern, "-c", "copy", folder / "mirrored.mp4")
    ffmpeg("-i", pattern, "-c", "copy", "-bsf:v", "setts=pts=40:dts=40", folder / "equal.mkv")
    ffmpeg("-i", pattern, "-c", "copy", tmp_path / "part.ts")
    (folder / "appended.ts").write_bytes((tmp_path / "part.ts").read_bytes() * 2)
    small = write_pattern(tmp_path / "small.ts", *GRAY, "-output_ts_offset", "1", size="32x48", seconds=0.6)
    (folder / "resized.ts").write_bytes((tmp_path / "part.ts").read_bytes() + small.read_bytes())
    ffmpeg(*moving_pattern(seconds=0.6), "-vf", "hue=s=0,setsar=2", *FAST, folder / "wide.mp4")
    ffmpeg(
        "-f", "lavfi", "-i", "sine=duration=1", *moving_pattern(), "-map", "0", "-map", "1", "-frames:v", "1",
        "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic", "-c:a", "aac", folder / "song.mp4",
    )  # fmt: skip
    return folder


def test_all_videos_are_scored_and_annotated(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mdhr.inference.model_loading, "load_model", lambda path, **_: StubModel())
    monkeypatch.setattr(mdhr.data.faces.detection, "FaceDetector", Marked)
    (tmp_path / "model.ckpt").write_bytes(b"weights")
    out = tmp_path / "out"
    assert main([str(videos), "--checkpoint", str(tmp_path / "model.ckpt"), "--out", str(out), "--annotate"]) == 1
    printed = capsys.readouterr()
    assert "song.mp4 contains no video stream" in printed.err
    names = ["b_frames", "late", "mirrored", "equal", "appended", "resized", "wide"]
    for name in names:
        times = pd.read_csv(out / f"{name}.csv")["time_seconds"].to_numpy()
        assert times[0] == 0
        assert (np.diff(times) > 0).all()
        annotated = [time for time, _ in read_video(out / f"{name}_annotated.mp4")]
        np.testing.assert_allclose(annotated, times, atol=1e-3)
    summaries = {
        name: entry["summary"] for name, entry in yaml.safe_load((out / "predict.yaml").read_text())["videos"].items()
    }
    assert all(summary in printed.out for summary in summaries.values())
    assert summaries == {
        **dict.fromkeys(["b_frames", "late", "mirrored", "wide"], "15 frames, no face found in any frame"),
        "equal": "15 frames, no face found in any frame, it has no usable time stamps, 25 frames/s assumed (--fps sets "
        "another rate)",
        "appended": f"30 frames, no face found in any frame, {TIMES_START_AGAIN}",
        "resized": "30 frames, no face found in any frame, its resolution changes, all frames are scaled to 64 x 48",
    }
    _, wide = next(read_video(out / "wide_annotated.mp4"))
    assert wide.shape[1] / wide.shape[0] == pytest.approx(128 / 48, rel=0.01)
