"""The command ``mdhr predict``: output files, resuming, and messages about invalid input."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import mdhr.data.faces.detection
import mdhr.inference.batch_prediction
import mdhr.inference.model_loading
from mdhr.commands.predict import main
from mdhr.config.signals import Interrupted
from mdhr.data.faces.detection import FaceDetector
from mdhr.data.video.decoding import read_video
from mdhr.data.video.encoding import write_video
from mdhr.errors import InputError
from mdhr.inference.batch_prediction import parse_thresholds
from mdhr.inference.predictor import Predictor
from tests.support.stub_model import Marked, StubModel, paint_frames, write_images

HERE, AT_THE_EDGE = (20, 30, 30, 40), (130, 30, 24, 200)


def film(path: Path, *faces: tuple[int, int, int, int], length: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_video(path) as add:
        for i, frame in enumerate(paint_frames([faces] * length)):
            add(i / 25, frame)
    return path


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the videos that a stub model has scored."""
    names: list[str] = []
    score = Predictor.predict

    def note(self: Predictor, video: Path, **settings: object) -> object:
        names.append(Path(video).name)
        return score(self, video, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(mdhr.inference.model_loading, "load_model", lambda path, **_: StubModel())
    monkeypatch.setattr(mdhr.data.faces.detection, "FaceDetector", Marked)
    monkeypatch.setattr(Predictor, "predict", note)
    return names


@pytest.fixture
def run(scored: list[str], tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Return a function that runs the command with ``--out tmp_path/out`` and returns the exit status."""
    weights = tmp_path / "model.ckpt"
    weights.write_bytes(b"weights")

    def status(*arguments: str | Path) -> int:
        try:
            return main([*map(str, arguments), "--checkpoint", str(weights), "--out", str(tmp_path / "out")])
        except SystemExit as stop:
            return int(stop.code or 0)

    return status


def test_detector_options(run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[dict[str, float]] = []

    def make_detector(**settings: float) -> Marked:
        used.append(settings)
        return Marked()

    monkeypatch.setattr(mdhr.data.faces.detection, "FaceDetector", make_detector)
    video = film(tmp_path / "a.mp4", HERE)
    assert run(video) == run(video, "--overwrite", "--min-confidence", "0.5", "--search-size", "640") == 0
    assert used == [{}, {"min_confidence": 0.5, "longest_side": 640}]


def test_detector_options_out_of_range(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mdhr.data.faces.detection, "FaceDetector", FaceDetector)
    video = film(tmp_path / "a.mp4", HERE)
    assert run(video, "--min-confidence", "2") == run(video, "--search-size", "5") == 2
    confidence, size = capsys.readouterr().err.splitlines()
    assert "argument --min-confidence: 2 should be less than 1" in confidence
    assert "argument --search-size: 5 should be greater than or equal to 32" in size


def test_output_files_are_written_and_reused(
    run: Callable[..., int], scored: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, out = film(tmp_path / "my clip é 顔.mp4", HERE), tmp_path / "out"
    assert run(video, "--annotate") == 0
    files = [f"my clip é 顔{end}" for end in (".csv", ".parquet", ".png", "_annotated.mp4")]
    assert sorted(path.name for path in out.iterdir()) == sorted([*files, "predict.yaml"])
    assert f"{video}: 8 frames, a face in 8 of them, 1 track; {', '.join(files)}" in capsys.readouterr().out
    csv, parquet = pd.read_csv(out / files[0]), pd.read_parquet(out / files[1])
    assert csv.columns.tolist() == parquet.columns.tolist()
    assert csv.columns[:10].tolist() == [
        "video", "track", "frame", "time_seconds", "image", "box_x", "box_y", "box_width", "box_height", "confidence",
    ]  # fmt: skip
    np.testing.assert_allclose(csv.filter(like="score"), parquet.filter(like="score"), atol=6e-6)
    assert parquet["score_AU1"].dtype == np.float32
    record = yaml.safe_load((out / "predict.yaml").read_text())
    assert record["settings"]["detector"] == "marks"
    assert record["videos"]["my clip é 顔"]["files"] == files
    assert "torch" in record["versions"]

    assert run(video, "--annotate") == 0
    assert "1 of 1 videos are complete and skipped" in capsys.readouterr().out
    assert run(video) == 0
    assert len(scored) == 1
    (out / files[2]).unlink()
    assert run(video, "--annotate") == 0
    assert run(video, "--annotate", "--overwrite") == 0
    os.utime(video, (1, 1))
    assert run(video) == 0
    assert len(scored) == 4, "scored again: missing file, --overwrite, changed video"
    assert not (out / files[3]).exists(), "file of the earlier video is deleted"


def test_interval_files_are_written_on_request(run: Callable[..., int], scored: list[str], tmp_path: Path) -> None:
    video, out = film(tmp_path / "two.mp4", HERE, AT_THE_EDGE), tmp_path / "out"
    assert run(video, "--formats", "eaf,boris,textgrid,intervals") == 0
    files = {"two.eaf", "two_boris.tsv", "two.TextGrid", "two_intervals.csv"}
    assert files < {path.name for path in out.iterdir()}
    assert run(video, "--formats", "eaf") == 0
    assert len(scored) == 1
    assert run(video, "--formats", "csv") == 0, "the intervals are not the score table"
    assert len(scored) == 2
    assert (out / "two.csv").is_file()
    assert not (out / "two.eaf").exists()


def test_the_same_input_results_in_the_same_bytes(run: Callable[..., int], tmp_path: Path) -> None:
    video, out = film(tmp_path / "a.mp4", HERE, length=30), tmp_path / "out"
    contents = []
    for _ in range(2):
        assert run(video, "--annotate", "--overwrite") == 0
        contents.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert contents[0].keys() == {"a.csv", "a.parquet", "a.png", "a_annotated.mp4", "predict.yaml"}
    assert contents[0] == contents[1]


def test_annotated_video_has_a_box_and_bars_per_face(run: Callable[..., int], tmp_path: Path) -> None:
    video = film(tmp_path / "two.mp4", HERE, AT_THE_EDGE)
    assert run(video, "--annotate", "--formats", "csv") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "predict.yaml", "two.csv", "two_annotated.mp4", "two_track1.png", "two_track2.png",
    ]  # fmt: skip
    times, frames = zip(*read_video(tmp_path / "out" / "two_annotated.mp4"), strict=True)
    np.testing.assert_allclose(times, np.arange(8) / 25, atol=1e-3)
    plain = [frame for _, frame in read_video(video)]
    assert frames[0].shape == (480, 800, 3), "small videos are enlarged"
    scale = 5
    changed = np.abs(frames[3].astype(int) - plain[3].repeat(scale, 0).repeat(scale, 1)).max(-1) > 60
    assert changed[30 * scale + 50, 20 * scale - 4 : 20 * scale + 5].any(), "left edge of the first box"
    assert changed[:, 52 * scale : 70 * scale].mean() > 0.2, "bars right of the first face"
    assert changed[:, 103 * scale : 128 * scale].mean() > 0.2, (
        "bars left of the second face, which is at the right edge"
    )
    assert not changed[:, : 15 * scale].any()


def test_results_of_different_settings_are_not_mixed(
    run: Callable[..., int], scored: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = film(tmp_path / "a.mp4", HERE)
    assert run(video) == 0
    assert run(video, "--threshold", "AU1=0.2,AU4=0.3") == 2
    assert "contains results with thresholds: {'AU1': 0.5" in capsys.readouterr().err
    assert run(video, "--threshold", "AU1=0.2", "--threshold", "AU4=0.3", "--overwrite") == 0
    assert len(scored) == 2
    (tmp_path / "model.ckpt").write_bytes(b"trained again")
    assert run(video, "--threshold", "AU1=0.2,AU4=0.3") == 2
    assert "contains results with weights" in capsys.readouterr().err


def test_unreadable_videos_do_not_stop_the_others(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "videos"
    film(folder / "good.mp4", HERE)
    content = film(folder / "deeper" / "cut.mp4", HERE, length=60).read_bytes()
    (folder / "deeper" / "cut.mp4").write_bytes(content[: len(content) * 3 // 4])
    (folder / "empty.mkv").write_bytes(b"")
    (folder / "text.AVI").write_text("not a video")
    assert run(folder) == 1
    output = capsys.readouterr()
    assert ["cut.mp4 beyond frame" in output.err, "empty.mkv: " in output.err, "text.AVI: " in output.err] == [True] * 3
    assert "keep the readable part: ffmpeg -i" in output.err
    assert output.err.splitlines()[-1] == "3 of 4 videos failed, see the messages above"
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        "good.csv", "good.parquet", "good.png", "predict.yaml",
    ]  # fmt: skip
    assert run(folder) == 1
    assert "1 of 4 videos are complete and skipped" in capsys.readouterr().out


def test_any_exception_of_a_video_is_its_line(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = film(tmp_path / "1.mp4", HERE), film(tmp_path / "2.mp4", HERE)
    score = Predictor.predict

    def fail(self: Predictor, video: Path, **settings: object) -> object:
        if Path(video) == first:
            return 1 / 0
        return score(self, video, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "predict", fail)
    assert run(first, second) == 1
    line = f"cannot score {first}: ZeroDivisionError: division by zero"
    assert capsys.readouterr().err == f"{line}\n1 of 2 videos failed, see the messages above\n"
    assert (tmp_path / "out" / "2.csv").is_file()
    assert run(first, second, "--debug") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [line, "Traceback (most recent call last):"]


def test_a_failed_video_keeps_its_earlier_results(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = film(tmp_path / "a.mp4", HERE)
    assert run(video) == 0
    video.write_bytes(b"damaged")
    assert run(video, "--overwrite") == 1
    assert (tmp_path / "out" / "a.csv").is_file()
    video.unlink()
    film(tmp_path / "b.mp4", HERE)
    (tmp_path / "list.txt").write_text(f"{tmp_path / 'b.mp4'}\n")
    assert run("--list", tmp_path / "list.txt") == 0


def test_a_full_disk_stops_at_the_first_video(
    run: Callable[..., int],
    scored: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    videos = [film(tmp_path / f"{number}.mp4", HERE) for number in (1, 2)]
    fsync, calls = os.fsync, []

    def full(file: int) -> None:
        calls.append(file)
        if len(calls) > 1:  # the record of the folder is written
            raise OSError(28, "No space left on device")
        fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert run(*videos) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"cannot write {tmp_path / 'out' / '1.csv'}: No space left on device")
    assert scored == ["1.mp4"]
    assert run(*videos) == 0


def test_a_damaged_record_is_one_line(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = film(tmp_path / "a.mp4", HERE)
    (tmp_path / "out").mkdir()
    for videos in ("1", "[a]", "{a: 1}", "{a: {files: []}}", "{a: {video: v, bytes: 1, modified: 1, files: 1}}"):
        (tmp_path / "out" / "predict.yaml").write_text(f"settings: {{}}\nvideos: {videos}\n")
        assert run(video) == 2
        assert "predict.yaml is not a record of mdhr predict." in capsys.readouterr().err


def test_video_without_a_face_is_not_an_error(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_images(tmp_path / "images", [[]] * 4), "--annotate") == 0
    assert "4 frames, no face found in any frame" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "out" / "images.csv")) == 4
    assert (tmp_path / "out" / "images.png").is_file()


def test_interrupted_command_resumes(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = film(tmp_path / "1.mp4", HERE), film(tmp_path / "2.mp4", HERE)
    score = Predictor.predict

    def interrupt(self: Predictor, video: Path, **settings: object) -> object:
        if Path(video) == second:
            raise Interrupted(2)
        return score(self, video, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "predict", interrupt)
    assert run(first, second) == 130
    assert capsys.readouterr().err.endswith("stopped by SIGINT; the same command resumes\n")
    monkeypatch.setattr(Predictor, "predict", score)
    assert run(first, second) == 0
    assert "1 of 2 videos are complete and skipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none.mp4"], "video none.mp4 does not exist. Pass paths of files or folders, or the number of a camera."),
        (["."], "contains no video"),
        (["a.mp4", "--formats", "xls"], "argument --formats: unknown format 'xls': choose from csv, parquet"),
        (["a.mp4", "--threshold", "high"], "--threshold high: expected one number"),
        (["a.mp4", "--threshold", "0.5,AU1=0.3"], "expected one number"),
        (["a.mp4", "--threshold", "AU99=0.3"], "threshold of AU99: the model does not predict this action unit"),
        (["a.mp4", "--overlap", "4"], "overlap=4 is out of range: expected 0 to 3"),
        (["a.mp4", "--fps", "0"], "argument --fps: 0 should be greater than 0"),
        (["a.mp4", "--detector", "eyes"], "invalid choice: 'eyes'"),
        (["7"], "camera 7 does not exist"),
        ([], "missing argument: pass VIDEO or --list"),
        (["--list", "none.txt"], "--list none.txt cannot be read: No such file or directory. Expected a text file"),
        (["--list", "a.mp4"], "--list a.mp4 is empty"),
    ],
)
def test_invalid_input_is_reported_in_one_line(
    run: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.mp4").touch() if arguments != ["."] else None
    monkeypatch.chdir(tmp_path / "empty")
    assert run(*arguments) == 2
    message = capsys.readouterr().err
    assert line in message
    assert len(message.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_unreadable_file_is_reported(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = film(tmp_path / "a.mp4", HERE)
    video.chmod(0)
    assert run(video) == 1
    assert "cannot read video" in capsys.readouterr().err


def test_unwritable_output_folder_is_reported(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file")
    assert run(film(tmp_path / "a.mp4", HERE)) == 2
    assert "Choose another --out" in capsys.readouterr().err


def test_list_contains_one_video_per_line(run: Callable[..., int], scored: list[str], tmp_path: Path) -> None:
    videos = [film(tmp_path / f"{name}.mp4", HERE) for name in "abc"]
    (tmp_path / "list.txt").write_text(f"{videos[1]}\n\n {videos[0]} \n{videos[1]}\n")
    assert run(videos[2], "--list", tmp_path / "list.txt") == 0
    assert scored == ["c.mp4", "b.mp4", "a.mp4"]


def test_images_are_named_in_the_table_and_stray_images_in_the_summary(
    run: Callable[..., int], scored: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = write_images(tmp_path / "faces", [[HERE]] * 11)
    write_images(tmp_path / "faces/inside", [[HERE]] * 2)
    (faces / "cover.png").write_bytes((faces / "1.png").read_bytes())
    assert run(tmp_path / "faces", faces / "3.png", film(tmp_path / "a.mp4", HERE)) == 0
    assert scored == ["faces", "inside", "3.png", "a.mp4"]
    table = pd.read_csv(tmp_path / "out/faces.csv")
    assert table["image"].tolist() == [f"{i}.png" for i in range(11)]
    assert pd.read_parquet(tmp_path / "out/3.parquet")["image"].tolist() == ["3.png"]
    assert pd.read_csv(tmp_path / "out/a.csv")["image"].isna().all()
    summary = "11 frames, a face in 11 of them, 1 track, skipped 1 image: cover.png (no number in its name);"
    assert f"{faces}: {summary}" in capsys.readouterr().out
    assert run(tmp_path / "faces") == 0
    assert len(scored) == 4, "the results are reused"


def test_invalid_lines_of_a_list_do_not_stop_the_others(
    run: Callable[..., int], scored: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    list_file = tmp_path / "list.txt"
    list_file.write_text(f'\ufeffnone.mp4\r\n# comment\r\n"{film(tmp_path / "a b.mp4", HERE)}"\r\n', newline="")
    assert run("--list", list_file) == 1
    assert scored == ["a b.mp4"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"{list_file}: line 1: video none.mp4 does not exist.")
    assert lines[-1] == f"invalid lines in {list_file}: 1, see the messages above"


def test_threshold_argument_is_a_number_or_by_name() -> None:
    assert parse_thresholds([]) is None
    assert parse_thresholds(["0.4"]) == 0.4
    assert parse_thresholds(["AU12=0.4, AU4=0.3", "AU1=1"]) == {"AU12": 0.4, "AU4": 0.3, "AU1": 1.0}
    with pytest.raises(InputError, match="expected one number"):
        parse_thresholds(["0.4", "0.5"])
