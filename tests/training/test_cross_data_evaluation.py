"""Evaluation of a run on another data set over the action units in common."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from omegaconf import DictConfig
from sklearn.metrics import f1_score

from mdhr.action_units import BP4D, DISFA, action_unit_set
from mdhr.action_units.sets import ActionUnitSet
from mdhr.data.cross_data import cross_data
from mdhr.data.data_settings import build_data
from mdhr.data.prepared.manifest import read_manifest, write_manifest
from mdhr.errors import InputError
from mdhr.training.evaluation import evaluate
from mdhr.training.training_run import train

Compose = Callable[..., DictConfig]
COMMON = ["AU1", "AU2", "AU4", "AU6", "AU12"]


@pytest.fixture(scope="module")
def run(compose_smoke: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    train(compose_smoke(folder, "trainer.max_epochs=1", "logger=none"))
    return folder


def write_data(root: Path, prepared: Path, au_set: ActionUnitSet, fps: float = 25) -> Path:
    """Write the prepared noise with another action unit set and the name ``other``."""
    manifest = read_manifest(prepared)
    table = manifest.table.drop(columns=list(BP4D.columns))
    labels = np.random.default_rng(1).integers(0, 2, (len(table), len(au_set.aus)), np.int8)
    table = pd.concat([table, pd.DataFrame(labels, columns=list(au_set.columns))], axis="columns")
    root.mkdir()
    (root / "frames").symlink_to(prepared / "frames")
    folds = {1: ["F001"], 2: ["F002", "F003", "M001", "M002", "M003"]}
    write_manifest(root, table, name="other", au_set=au_set, fps=fps, size=72, folds=folds, settings={})
    return root


def test_all_subjects_are_tested_on_common_action_units(
    run: Path, prepared: Path, compose_evaluation: Compose, tmp_path: Path
) -> None:
    other, out = write_data(tmp_path / "other", prepared, DISFA), tmp_path / "out"
    record = evaluate(compose_evaluation(run, f"test_data={other}", f"out={out}"))
    assert (record["data"], record["trained_on"]) == ("other", "synthetic")
    assert list(record["f1"]) == list(record["num_positive"]) == COMMON
    predictions = pd.read_parquet(out / "predictions.parquet")
    assert [c.removeprefix("score_") for c in predictions if c.startswith("score_")] == COMMON
    key = ["subject", "task", "frame"]
    table = read_manifest(other).table.sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(predictions[key], table[key], check_dtype=False)
    for au in COMMON:
        np.testing.assert_array_equal(predictions[f"label_{au}"], table[au])
        assert record["f1"][au] == pytest.approx(f1_score(table[au], predictions[f"score_{au}"] >= 0.5))
    assert record["f1_mean"] == pytest.approx(np.mean([record["f1"][au] for au in COMMON]))
    assert json.loads((out / "metrics.json").read_text()) == record


def test_frame_interval_is_that_of_the_training_clips(run: Path, prepared: Path, tmp_path: Path) -> None:
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    other = write_data(tmp_path / "other", prepared, DISFA, fps=50)
    data = build_data(settings, where=run)
    assert cross_data(data, other, frame_interval=1 / 25).frame_stride == 2
    assert cross_data(data, other, frame_interval=1 / 200).frame_stride == 1
    assert cross_data(data, other, frame_interval=None).frame_stride == 1


def test_no_action_unit_in_common_is_one_line(
    run: Path, prepared: Path, compose_evaluation: Compose, tmp_path: Path
) -> None:
    other = write_data(tmp_path / "other", prepared, DISFA)
    data = build_data(yaml.safe_load((run / "settings.yaml").read_text()), where=run)
    data.au_set = action_unit_set("few", [45])
    with pytest.raises(InputError, match="has no labels of the action units of the network"):
        cross_data(data, other, frame_interval=None).setup()


@pytest.mark.parametrize("name", ["nothing", "/nowhere", "a b"])
def test_unknown_data_is_one_line(run: Path, compose_evaluation: Compose, name: str) -> None:
    with pytest.raises(
        InputError, match=r"^data=.* is neither a prepared data set nor a data set in conf/data"
    ) as raised:
        evaluate(compose_evaluation(run, f"test_data='{name}'"))
    assert "\n" not in str(raised.value)


def test_the_data_of_the_run_is_refused(run: Path, prepared: Path, compose_evaluation: Compose) -> None:
    with pytest.raises(InputError, match=r"is the data set that .* was trained with"):
        evaluate(compose_evaluation(run, f"test_data={prepared}"))


def test_the_command_accepts_data(run: Path, prepared: Path, exit_status: Callable[..., int], tmp_path: Path) -> None:
    other, out = write_data(tmp_path / "other", prepared, DISFA), tmp_path / "out"
    assert exit_status("evaluate", f"run={run}", f"data={other}", f"out={out}", "trainer=cpu") == 0
    assert json.loads((out / "metrics.json").read_text())["data"] == "other"
