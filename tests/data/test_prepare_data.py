"""Preparation, training and testing of a release."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from mdhr.data.prepare_data import prepare
from mdhr.data.prepared.manifest import read_manifest
from mdhr.errors import InputError
from mdhr.training.evaluation import evaluate
from mdhr.training.training_run import train
from tests.support.paths import ROOT
from tests.support.raw_trees import build_bp4d, build_disfa

SMALL = ["data.prepare.size=72", "data.prepare.num_workers=1"]


@pytest.mark.parametrize(
    ("data", "build", "arguments"),
    [
        ("bp4d", build_bp4d, {"tasks": ("T1",)}),
        ("bp4d", build_bp4d, {"tasks": ("T1",), "videos": True, "first_frame": 0}),
        ("disfa", build_disfa, {}),
        ("disfa", build_disfa, {"videos": False}),
    ],
    ids=["bp4d images", "bp4d videos", "disfa videos", "disfa images"],
)
def test_a_release_is_prepared_trained_and_tested(tmp_path: Path, data: str, build, arguments: dict) -> None:
    build(tmp_path / "raw", **arguments)
    where = [f"data={data}", f"data.root={tmp_path}/raw", f"data.prepared={tmp_path}/prepared"]
    run = f"run_dir={tmp_path}/run"
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        preparing = compose("prepare", [*where, *SMALL])
        training = compose("train", ["experiment=smoke", *where, run, "trainer.max_epochs=1"])
        testing = compose("evaluate", [f"run={tmp_path}/run", f"out={tmp_path}/test", "trainer=cpu"])
    prepare(preparing)
    manifest = read_manifest(tmp_path / "prepared")
    trained = train(training)
    tested = evaluate(testing)
    test_subjects = set(manifest.folds[1]) & set(manifest.table["subject"])
    predictions = pd.read_parquet(tmp_path / "test/predictions.parquet")
    assert set(predictions["subject"]) == test_subjects
    assert len(predictions) == manifest.table["subject"].isin(test_subjects).sum() == tested["num_test_frames"]
    assert tested["f1"] == trained["f1"]
    assert tested["data"] == data
    assert json.loads((tmp_path / "test/metrics.json").read_text())["f1_mean"] == tested["f1_mean"]


@pytest.mark.slow
def test_a_dry_run_touches_nothing(tmp_path: Path) -> None:
    build_bp4d(tmp_path / "raw", tasks=("T1",))
    before = sorted(tmp_path.rglob("*"))
    command = [sys.executable, "-m", "mdhr", "prepare", "data=bp4d", f"data.root={tmp_path}/raw", "--dry-run"]
    done = subprocess.run(
        [*command, f"data.prepared={tmp_path}/prepared"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "6 subjects, 6 videos, 51 labeled frames" in done.stdout
    assert f"51 faces of 256 px to {tmp_path}/prepared" in done.stdout
    assert "fold 1: no frames and no labels of F004, F006" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_missing_release_is_an_error(tmp_path: Path) -> None:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("prepare", ["data=bp4d", f"data.root={tmp_path}/no", f"data.prepared={tmp_path}/prepared"])
    with pytest.raises(InputError, match=r"data\.root: folder '.*/no' does not exist"):
        prepare(cfg)
