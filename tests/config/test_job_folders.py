"""Every job of a multirun has one folder, directly in the folder of the sweep, whatever its overrides contain."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

import mdhr.training.training_run
from mdhr.config.job_folders import MAX_BYTES, job_folder, job_label


@pytest.mark.parametrize(
    "overrides", ["", "data.fold=1,seed=2", "+a=b", "~logger", "module.jitter=[0.6,1.4]", "name=Jürgen"]
)
def test_short_names_of_one_component_are_the_overrides(overrides: str) -> None:
    assert job_folder(overrides) == overrides


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ("backbone.weights=/data/r50.pth,seed=1", r"backbone\.weights=_data_r50\.pth,seed=1-[0-9a-f]{10}"),
        ("run='my run (1)'", r"run=_my_run_1_-[0-9a-f]{10}"),
        ("name=../x", r"name=\.\._x-[0-9a-f]{10}"),
    ],
)
def test_other_characters_are_replaced_and_a_hash_is_added(overrides: str, name: str) -> None:
    assert re.fullmatch(name, job_folder(overrides))


@pytest.mark.parametrize("letter", ["x", "é", "語", "𠀀"])
def test_long_names_are_cut_to_the_limit_in_bytes(letter: str) -> None:
    names = [job_folder(f"name={letter * 300}{end}") for end in "ab"]
    assert all(MAX_BYTES - 4 < len(name.encode()) <= MAX_BYTES for name in names)
    assert names[0] != names[1], "jobs that differ after the cut have different folders"
    exact = "name=" + "x" * (MAX_BYTES - 5)
    assert job_folder(exact) == exact


def test_values_that_look_alike_after_replacement_have_different_folders() -> None:
    assert len({job_folder(f"backbone.weights=a{character}b.pth") for character in "/_ '"}) == 4


def test_jobs_with_paths_and_long_values_are_siblings(
    exit_status: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Path] = []

    def run(cfg: DictConfig) -> dict[str, Any]:
        started.append(Path(cfg.run_dir))
        return {"validation_f1_mean": 0.5}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mdhr.training.training_run, "train", run)
    weights = f"backbone.weights=/a/b/resnet.pth,'/a/b c/{'d' * 300}.pth'"
    assert exit_status("train", "-m", "experiment=smoke", weights, "data.fold=1") == 0
    assert len(set(started)) == 2
    assert {folder.parent for folder in started} == {Path("runs/smoke")}
    assert all(folder.is_dir() and len(folder.name.encode()) <= MAX_BYTES for folder in started)
    assert started[0].name.startswith("backbone.weights=_a_b_resnet.pth,data.fold=1-")


def test_the_label_of_a_job_contains_what_differs() -> None:
    assert job_label("network.temporal_radius=3,seed=2") == "k=3 seed=2"
    assert job_label("module.betas=[0.9,0.99],module.region_weight=0.1") == "betas=[0.9,0.99] lambda=0.1"
    assert job_label("") == ""
