"""Tests of the table of finished runs."""

from pathlib import Path
from typing import Any

import pytest

from mdhr.errors import InputError
from mdhr.reporting.finished_runs import check_one_recipe, read_runs, short_commits
from mdhr.training.run_record import read_record, write_record
from tests.support.fake_study import demo_settings, study_run


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return demo_settings()


def test_one_row_per_finished_run_at_any_depth(tmp_path: Path, settings: dict[str, Any]) -> None:
    study_run(tmp_path / "a", settings, k=3, fold=2, seed=7, f1=0.6)
    study_run(tmp_path / "b" / "c", settings, weight=0, fold=1, seed=1, f1=0.5)
    unfinished = study_run(tmp_path / "a", settings, k=4, fold=2, seed=7, f1=0.6)
    (unfinished / "metrics.json").unlink()
    bare = study_run(tmp_path / "evaluation", settings, fold=1, seed=1, f1=0.5)
    (bare / "settings.yaml").unlink()
    study_run(tmp_path / "b" / ".replaced", settings, fold=1, seed=2, f1=0.5)
    first, second = read_runs(tmp_path).to_dict("records")
    expected = {"network": "mdhr", "data": "synthetic_demo", "protocol": "honest", "k": 3, "region_weight": 0.01, "fold": 2,
                "seed": 7, "f1_mean": 0.6, "f1_AU1": 0.7, "f1_AU24": 0.6, "seconds": 60.0, "command": None,
                "precision": "32-true",
                "folder": str(tmp_path / "a" / "run-3-0.01-2-7")}  # fmt: skip
    assert {key: first[key] for key in expected} == expected
    assert (second["k"], second["region_weight"], second["seed"]) == (5, 0, 1)
    assert first["recipe"] == second["recipe"], "k, lambda, fold and seed are what tables vary"
    assert short_commits(read_runs(tmp_path)) == ["ababababab-dirty"]


@pytest.mark.parametrize("network", ["backbone_only", "mdhr_without_tcn", "me_graphau_stage1", "me_graphau_stage2"])
def test_network_is_the_recorded_choice(tmp_path: Path, network: str) -> None:
    study_run(tmp_path, demo_settings(network), fold=1, seed=1, f1=0.5, network=network)
    assert read_runs(tmp_path)["network"].tolist() == [network]


def test_network_without_recorded_choice_is_other(tmp_path: Path, settings: dict[str, Any]) -> None:
    run = study_run(tmp_path, settings, fold=1, seed=1, f1=0.5)
    record = read_record(run)
    del record["choices"]
    write_record(run, record)
    assert read_runs(tmp_path)["network"].tolist() == ["other"]


def test_missing_folder_has_no_runs(tmp_path: Path) -> None:
    runs = read_runs(tmp_path / "nowhere")
    assert runs.empty
    assert {"k", "fold", "f1_mean", "folder"} <= set(runs)


def test_runs_of_two_recipes_raise_with_the_setting(tmp_path: Path, settings: dict[str, Any]) -> None:
    study_run(tmp_path, settings, k=1, fold=1, seed=1, f1=0.5)
    check_one_recipe(read_runs(tmp_path))
    longer = {**settings, "trainer": {**settings["trainer"], "max_epochs": 20}}
    study_run(tmp_path, longer, k=2, fold=1, seed=1, f1=0.5)
    with pytest.raises(
        InputError,
        match=r"run-1\S* was run with trainer\.max_epochs=10, \S*run-2\S* with trainer\.max_epochs=20\. A table",
    ):
        check_one_recipe(read_runs(tmp_path))


def test_identical_runs_raise(tmp_path: Path, settings: dict[str, Any]) -> None:
    for folder in ("a", "b"):
        study_run(tmp_path / folder, settings, fold=1, seed=1, f1=0.5)
    with pytest.raises(InputError, match="have equal settings"):
        check_one_recipe(read_runs(tmp_path))
