"""The Ray engine writes the same files as the plain engine, also for unreadable videos, and resumes."""

import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import torch

import mdhr.data.faces.detection
import mdhr.inference.model_loading
from mdhr.commands.predict import main
from mdhr.data.video.encoding import write_video
from mdhr.errors import InputError
from mdhr.inference.ray.cluster import ray_session
from tests.support.paths import ROOT
from tests.support.stub_model import Marked, StubModel, paint_frames

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'mdhr[ray-data]'"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    """Start Ray with two cores, a nominal GPU and a small object store; workers can import the stubs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT / "src", ROOT))))
        with ray_session(num_cpus=2, num_gpus=1, object_store_memory=100 << 20) as ray:
            yield
        assert not ray.is_initialized()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _ray: None) -> Callable[..., int]:
    """Return a function that runs the command with a stub model and returns the exit status."""
    monkeypatch.setattr(mdhr.inference.model_loading, "load_model", _load)
    monkeypatch.setattr(mdhr.data.faces.detection, "FaceDetector", Marked)
    weights = tmp_path / "model.ckpt"
    weights.write_bytes(b"weights")

    def status(*arguments: str | Path) -> int:
        try:
            return main([*map(str, arguments), "--checkpoint", str(weights)])
        except SystemExit as stop:
            return int(stop.code or 0)

    return status


def _load(path: Path, *, device: str, trusted: bool) -> StubModel:
    torch.set_num_threads(1)
    if device == "missing":
        raise InputError("device missing is not available. Pass auto or cpu.")
    return StubModel()


def film(path: Path, *, people: int, length: int) -> Path:
    """Write a video of faces that get redder; all but the first one end in the middle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_video(path) as add:
        faces = [
            [(20 + 90 * i, 30, 30 - 6 * i, 2 * frame + 40 * i) for i in range(people if frame < length / 2 else 1)]
            for frame in range(length)
        ]
        for frame, image in enumerate(paint_frames(faces)):
            add(frame / 25, image)
    return path


def test_outputs_equal_those_of_the_plain_engine_and_resume(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos, ray, plain = tmp_path / "videos", tmp_path / "ray", tmp_path / "plain"
    film(videos / "one.mp4", people=1, length=9)
    film(videos / "two.mp4", people=2, length=70)
    film(videos / "none.mp4", people=0, length=6)
    cut = film(videos / "cut.mp4", people=1, length=60)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 3 // 4])
    settings = ["--overlap", "2", "--batch-size", "3", "--annotate"]
    printed = []
    for out, engine in ((ray, "ray"), (plain, "plain")):
        assert run(videos, *settings, "--out", out, "--engine", engine) == 1
        lines = capsys.readouterr()
        printed.append((sorted(lines.out.splitlines()), lines.err.splitlines()))
    assert printed[0] == printed[1]
    assert printed[0][1][-1] == "1 of 4 videos failed, see the messages above"
    assert sorted(path.name for path in ray.iterdir()) == sorted(path.name for path in plain.iterdir())
    assert_same_tables(ray, plain)
    assert pd.read_csv(ray / "two.csv")["track"].nunique() == 2

    before = os.stat(ray / "two.csv").st_mtime_ns
    (ray / "one.parquet").unlink()
    named = tmp_path / "list.txt"
    named.write_text("\n\n".join(str(video) for video in sorted(videos.iterdir())) + "\n")
    on_cpus = [*settings, "--out", ray, "--engine", "ray", "--device", "cpu"]
    assert run("--list", named, *on_cpus) == 1
    assert "2 of 4 videos are complete and skipped" in capsys.readouterr().out
    assert_same_tables(ray, plain)
    assert os.stat(ray / "two.csv").st_mtime_ns == before
    cut.unlink()
    assert run(videos, *on_cpus) == 0


def assert_same_tables(ray: Path, plain: Path) -> None:
    for name in ("one", "two", "none"):
        ours, theirs = (pd.read_parquet(out / f"{name}.parquet") for out in (ray, plain))
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        assert (ray / f"{name}.csv").read_text() == (plain / f"{name}.csv").read_text()


def test_errors_of_workers_are_reported_in_one_line(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    video = film(tmp_path / "a.mp4", people=1, length=6)
    assert run(video, "--out", tmp_path / "out", "--engine", "ray", "--device", "missing") == 2
    assert capsys.readouterr().err == "device missing is not available. Pass auto or cpu.\n"
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(video, "--out", tmp_path / "out", "--engine", "ray") == 2
    assert "pip install 'mdhr[ray-data]'" in capsys.readouterr().err
