"""Tests of the content of an offline wandb run, read with wandb's reader."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
import pytest
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig
from sklearn.metrics import confusion_matrix, f1_score

from mdhr.action_units import BP4D
from mdhr.reporting.wandb_results.upload_callback import WandbResults
from mdhr.reporting.wandb_results.workspace import workspace
from mdhr.training.training_run import train

SETTINGS = ("trainer.max_epochs=1", "logger=wandb", "group=table_3-noise")


@pytest.fixture(scope="module")
def tracked(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that was logged to wandb offline."""
    run = tmp_path_factory.mktemp("tracked") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_MODE", raising=False)
        train(compose_smoke(run, *SETTINGS))
    return run


@pytest.fixture(scope="module")
def logged(tracked: Path) -> dict[str, Any]:
    """State, last values and configuration in the file of the run."""
    return json.loads(_inspect(tracked, "--summary"))


@pytest.fixture(scope="module")
def predictions(tracked: Path) -> pd.DataFrame:
    return pd.read_parquet(tracked / "predictions.parquet")


def _inspect(run: Path, *options: str) -> str:
    [file] = run.glob("wandb/offline-run-*/*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _file(run: Path, logged: dict[str, Any], name: str) -> Path:
    [folder] = run.glob("wandb/offline-run-*/files")
    return folder / logged["summary"][name]["path"]


def _table(run: Path, logged: dict[str, Any], name: str) -> pd.DataFrame:
    content = json.loads(_file(run, logged, name).read_text())
    return pd.DataFrame(content["data"], columns=content["columns"])


def _known(predictions: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    """Labels and predictions of the frames with a known label."""
    rows = predictions[predictions[f"label_{column}"] >= 0]
    return rows[f"label_{column}"], (rows[f"score_{column}"] >= 0.5).astype(int)


def test_run_is_finished_and_contains_its_provenance(tracked: Path, logged: dict[str, Any]) -> None:
    assert (logged["state"], logged["exit_code"], logged["project"], logged["name"]) == ("finished", 0, "mdhr", "smoke")
    records = [json.loads(line) for line in _inspect(tracked).splitlines()]
    [run_record] = [record["run"] for record in records if record["type"] == "run"]
    assert run_record["run_group"] == "table_3-noise"
    record = json.loads((tracked / "metrics.json").read_text())
    assert logged["config"]["git_commit"] == record["git_commit"]
    assert logged["config"]["command"] == record["command"]
    assert logged["config"]["data"]["protocol"] == "honest"
    assert logged["config"]["network"]["temporal_radius"] == 2


def test_every_action_unit_has_an_f1_curve_and_row(
    tracked: Path, logged: dict[str, Any], predictions: pd.DataFrame
) -> None:
    table = _table(tracked, logged, "test/by_action_unit").set_index("AU")
    for column in BP4D.columns:
        expected = f1_score(*_known(predictions, column), zero_division=0)
        assert logged["summary"][f"test/f1/{column}"] == pytest.approx(expected)
        assert table.loc[column, "F1"] == pytest.approx(expected)
        assert f"val/f1/{column}" in logged["summary"]
    assert table.loc["AU12", "name"] == "lip corner puller"


def test_confusion_and_label_counts(tracked: Path, logged: dict[str, Any], predictions: pd.DataFrame) -> None:
    confusion = _table(tracked, logged, "test/confusion").set_index("AU")
    labels = _table(tracked, logged, "test/labels").set_index("AU")
    for column in BP4D.columns:
        [[tn, fp], [fn, tp]] = confusion_matrix(*_known(predictions, column), labels=[0, 1])
        counts = confusion.loc[column, ["true positive", "false positive", "true negative", "false negative"]]
        assert counts.tolist() == [tp, fp, tn, fn]
        by_label = predictions[f"label_{column}"].value_counts().reindex([0, 1, -1], fill_value=0)
        assert labels.loc[column, ["inactive", "active", "unknown"]].tolist() == by_label.tolist()


def test_every_action_unit_has_a_precision_recall_curve(tracked: Path, logged: dict[str, Any]) -> None:
    curves = _table(tracked, logged, "test/precision_recall_table")
    assert curves.groupby("au").size().to_dict() == dict.fromkeys(BP4D.columns, 101)


def test_timeline_contains_no_frames_unless_rendered(tracked: Path, logged: dict[str, Any]) -> None:
    image = cv2.imread(str(_file(tracked, logged, "test/timeline")))
    height, width, _ = image.shape
    assert width == 1400
    assert height < 900, "the prepared noise is not known to be rendered: no strip of frames"


def test_other_loggers_are_ignored() -> None:
    trainer = Trainer(logger=CSVLogger("unused"), enable_checkpointing=False, enable_progress_bar=False)
    WandbResults(faces=True).on_test_end(trainer, LightningModule())  # which has no results to look at


def test_every_panel_shows_a_logged_value(logged: dict[str, Any]) -> None:
    page = workspace(entity="somebody", project="mdhr", au_set=BP4D)
    shown: set[str] = set()
    for panel in (panel for section in page.sections for panel in section.panels):
        for key in ("y", "metrics", "media_keys"):
            shown |= {getattr(metric, "name", metric) for metric in getattr(panel, key, [])}
        if hasattr(panel, "table_name"):
            shown.add(panel.table_name)
        if hasattr(panel, "chart_name"):
            shown.add(panel.query["summaryTable"]["tableKey"])
    assert len(shown) == 24
    assert shown <= set(logged["summary"])
