"""The command ``mdhr blendshape-agreement`` with a stub model and an injected estimator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdhr.commands.blendshape_agreement import main
from mdhr.inference.predictor import Predictor
from mdhr.reporting import blendshape_report
from mdhr.reporting.blendshape_agreement import CONSTANT_SCORE, FEW_FRAMES
from tests.reporting.test_blendshape_agreement import SHAPES
from tests.support.stub_model import Marked, Painted, StubModel, write_images


class Reddish:
    """Estimator whose ``browInnerUp`` falls with the red value of the largest face; all others are constant."""

    def __call__(self, image: np.ndarray) -> dict[str, float]:
        """Return the blendshapes of the pixel in the center."""
        middle = image[len(image) // 2, len(image) // 2]
        return dict.fromkeys(SHAPES, 0.5) | {"browInnerUp": 1 - int(middle[0]) / 255}

    def __str__(self) -> str:
        return "reddish 1.0"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Return a function that runs the command with ``--out tmp_path/out`` and returns the exit status."""
    monkeypatch.setattr(blendshape_report, "load_model", lambda path, **_: StubModel())
    monkeypatch.setattr(blendshape_report, "MediaPipeBlendshapes", Reddish)
    monkeypatch.setattr("mdhr.inference.predictor.FaceDetector", Marked)

    def status(*arguments: str | Path) -> int:
        try:
            return main([*map(str, arguments), "--checkpoint", "runs/stub", "--out", str(tmp_path / "out")])
        except SystemExit as stop:
            return int(stop.code or 0)

    return status


def reddening(length: int, *, others: list[Painted] | None = None) -> list[list[Painted]]:
    """Return a large face that becomes redder, next to others."""
    return [[(60, 30, 40, 4 * frame), *(others or [])] for frame in range(length)]


def test_files_contain_the_agreement_of_every_video(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    write_images(videos / "a|b", reddening(40, others=[(10, 10, 20, 0)]))
    write_images(videos / "empty", [[]] * 5)
    (videos / "broken.mp4").write_text("no video")
    write_images(videos / "short", reddening(10))
    assert run(videos) == 1
    captured = capsys.readouterr()
    assert "broken.mp4" in captured.err
    assert f"{videos / 'a|b'}: 40 frames, mean rank correlation -1.00, 1 of 8 action units" in captured.out
    assert f"{videos / 'empty'}: 0 frames, no correlation, 0 of 8 action units" in captured.out
    table = pd.read_csv(tmp_path / "out/agreement.csv")
    assert table["video"].unique().tolist() == [str(videos / name) for name in ("a|b", "empty", "short")]
    by_video = dict(tuple(table.groupby(table["video"].map(lambda path: Path(path).name))))
    assert by_video["a|b"]["correlation"].dropna().tolist() == [-1]
    assert by_video["a|b"]["frames"].eq(40).all()
    assert by_video["short"]["left_out"].eq(FEW_FRAMES).all()
    assert by_video["empty"]["frames"].eq(0).all()
    page = (tmp_path / "out/agreement.md").read_text()
    assert "not accuracy: the videos have no ground-truth labels" in page
    assert "| AU1 | browInnerUp | -1.00 | 1 | 0 | 0 | 2 | 0 | 0 |" in page
    assert "| AU2 | browOuterUp | - | 0 | 0 | 0 | 2 | 1 | 0 |" in page
    assert r"a\|b | -1.00 | - | - | - | - | - | - | - |" in page
    assert "Model: runs/stub, trained on nothing at all; overlap 2." in page
    assert "Blendshapes: reddish 1.0." in page


def test_score_that_is_constant_is_left_out(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reddish, "__call__", lambda self, image: dict.fromkeys(SHAPES, float(image.mean() / 255)))
    assert run(write_images(tmp_path / "a", reddening(40))) == 0
    table = pd.read_csv(tmp_path / "out/agreement.csv").set_index("au")
    assert table.loc["AU25", "left_out"] == CONSTANT_SCORE
    assert table.loc["AU1", "correlation"] == pytest.approx(1, abs=0.01)
    assert (
        f"| {tmp_path / 'a'} | **{table.loc['AU1', 'correlation']:.2f}** |"
        in (tmp_path / "out/agreement.md").read_text()
    )


def test_settings_reach_the_predictor(run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []
    predict = Predictor.predict

    def note(self: Predictor, video: Path, **settings: object) -> object:
        used.extend([self.overlap, self.batch_size, settings["fps"]])
        return predict(self, video, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "predict", note)
    video = write_images(tmp_path / "a", reddening(5))
    assert run(video, "--overlap", "2", "--batch-size", "3", "--fps", "10") == 0
    assert used == [2, 3, 10.0]


def test_invalid_input_is_one_line(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_images(tmp_path / "a", reddening(5))
    assert run("0") == run(tmp_path / "gone.mp4") == run(video, "--overlap", "4") == 2
    monkeypatch.undo()
    monkeypatch.setattr("mdhr.data.faces.mediapipe_landmarker.util.find_spec", lambda name: None)
    assert run(video) == 2
    camera, missing, overlap, package = capsys.readouterr().err.splitlines()
    assert camera == "video 0 does not exist. Pass paths of files or folders; record cameras first."
    assert "gone.mp4 does not exist" in missing
    assert overlap.startswith("overlap=4 is out of range")
    assert "pip install -e '.[mediapipe]'" in package
    assert not (tmp_path / "out/agreement.csv").exists()


def test_no_file_is_written_if_every_video_fails(run: Callable[..., int], tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    assert run(tmp_path / "a.mp4") == 1
    assert list((tmp_path / "out").iterdir()) == []
