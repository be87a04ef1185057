"""Tests of the demo."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightning.pytorch import Trainer
from omegaconf import DictConfig

import mdhr.inference.predictor
import mdhr.reporting.demo_run
from mdhr.config.signals import Interrupted
from mdhr.data.video.encoding import write_video
from mdhr.errors import InputError
from mdhr.reporting.demo_run import group_lines, run_demo
from mdhr.reporting.figures.labeled_timeline import most_varied_video
from mdhr.training.run_folder import result_affecting_config, write_settings
from tests.support.fake_runs import fake_run
from tests.support.stub_model import Marked, paint_frames


@pytest.fixture
def cfg(smoke: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> DictConfig:
    """Configuration of the demo on prepared noise, without rendering and network access."""
    monkeypatch.setattr(mdhr.reporting.demo_run, "prepare", lambda cfg: None)

    def offline(cache: Path) -> Path:
        raise InputError("offline")

    monkeypatch.setattr(mdhr.reporting.demo_run, "fetch_sample_video", offline)
    return smoke("trainer.max_epochs=1", config_name="demo")


def test_second_demo_reuses_the_results_of_the_first(
    cfg: DictConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    again = cfg.copy()
    run = Path(cfg.run_dir)
    record = run_demo(cfg)
    printed = capsys.readouterr().out
    assert record == json.loads((run / "metrics.json").read_text())
    assert {"f1_mean", "auc_mean", "baseline_f1_mean", "f1", "auc", "git_commit", "protocol", "threshold"} <= set(
        record
    )
    assert set(record["seconds"]) == {"render", "train", "evaluate"}
    assert record["seconds"]["render"] is None, "it was not rendered here"
    assert record["seconds"]["train"] > 0 < record["seconds"]["evaluate"]
    assert record["num_test_frames"] == len(pd.read_parquet(run / "predictions.parquet")) == 30
    assert f"{record['f1_mean']:.3f} (always-positive baseline {record['baseline_f1_mean']:.3f})" in printed
    assert str(run / "timeline.png") in printed
    assert "not real people" in printed
    assert "not scored (offline)" in printed
    (run / "timeline.png").unlink()

    # Once more, with a video of 7 frames whose face is lost in the third.
    monkeypatch.setattr(mdhr.inference.predictor, "FaceDetector", Marked)
    with write_video(tmp_path / "my clip.mp4") as add:
        for i, frame in enumerate(paint_frames([[(60, 30, 30, 0)] if i != 2 else [] for i in range(7)])):
            add(i / 30, frame)
    again.video = str(tmp_path / "my clip.mp4")
    monkeypatch.setattr(Trainer, "fit", lambda *_, **__: pytest.fail("trained twice"))
    assert run_demo(again) == record
    assert (run / "timeline.png").is_file(), "what is missing is drawn again"
    printed = capsys.readouterr().out
    assert "F1 always-positive" in printed, "the table is printed again"
    assert "my clip.mp4: 7 frames, a face in 6 of them, 1 track" in printed
    assert "has seen rendered faces only" in printed
    assert "Head " not in printed, "the subjects of prepared noise have no head model"
    assert (run / "video_timeline.png").is_file()
    table = pd.read_csv(run / "video_scores.csv")
    assert table["track"].tolist() == [1] * 7
    assert table["box_x"].isna().tolist() == table["score_AU1"].isna().tolist() == [i == 2 for i in range(7)]
    assert table["time_seconds"].tolist() == pytest.approx(np.arange(7) / 30, abs=1e-3)
    table = table.dropna()
    np.testing.assert_array_equal(table["AU12"], table["score_AU12"] >= 0.5)


def test_interrupted_demo_resumes(cfg: DictConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    again, resumed = cfg.copy(), []

    def interrupted(cfg: DictConfig) -> None:
        checkpoint = Path(cfg.callbacks.last.path)
        checkpoint.parent.mkdir(parents=True)
        checkpoint.touch()
        write_settings(Path(cfg.run_dir), result_affecting_config(cfg))
        raise Interrupted(15)

    monkeypatch.setattr(mdhr.reporting.demo_run, "train", interrupted)
    with pytest.raises(Interrupted) as stopped:
        run_demo(cfg)
    assert stopped.value.message == "stopped by SIGTERM; run the same command to resume"

    monkeypatch.setattr(mdhr.reporting.demo_run, "train", lambda cfg: resumed.append(cfg.ckpt_path))
    with pytest.raises(FileNotFoundError, match=r"predictions\.parquet"):  # the replacement tests nothing
        run_demo(again)
    assert resumed == ["auto"]


def test_run_with_other_settings_raises(cfg: DictConfig) -> None:
    run = Path(cfg.run_dir)
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").touch()
    write_settings(run, {**result_affecting_config(cfg), "seed": 7})
    with pytest.raises(InputError, match="was started with seed=7, not 1"):
        run_demo(cfg)


def test_missing_video_raises_before_any_work(cfg: DictConfig, tmp_path: Path) -> None:
    cfg.video = str(tmp_path / "none.mp4")
    with pytest.raises(InputError, match=r"file .*none\.mp4. does not exist"):
        run_demo(cfg)
    assert not Path(cfg.run_dir).exists()


def test_most_varied_video_depends_on_labels_only() -> None:
    """B/T1 has two varied units, the others one; the second unit of A/T2 is always active."""
    rows = pd.DataFrame({"subject": ["A"] * 20 + ["B"] * 10, "task": ["T1"] * 10 + ["T2"] * 10 + ["T1"] * 10})
    half, always, once = np.arange(10) % 2, np.ones(10, int), (np.arange(10) == 0).astype(int)
    rows["score_AU1"] = rows["score_AU2"] = np.linspace(1, 0, 30)
    rows["label_AU1"] = np.concatenate([half, half, half])
    rows["label_AU2"] = np.concatenate([once, always, half])
    assert most_varied_video(rows) == ("B", "T1")
    assert most_varied_video(rows.head(20)) == ("A", "T1"), "of equals the first"


def test_results_of_each_head_model(tmp_path: Path) -> None:
    tables = []
    for head, skill in (("anny", 0.9), ("ict", 0.6)):
        fake_run(tmp_path / head, skill=skill, fold=1, seed=1)
        table = pd.read_parquet(tmp_path / head / "predictions.parquet")
        tables.append(table.assign(subject=table["subject"] + f"-{head}"))
    pd.concat(tables).to_parquet(tmp_path / "predictions.parquet")
    anny, ict = group_lines(tmp_path, 0.5)
    assert anny.startswith("Head anny:   4 unseen subjects, mean F1 0.")
    assert float(anny.split("AUC ")[1][:5]) > float(ict.split("AUC ")[1][:5]) + 0.1
