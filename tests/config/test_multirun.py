"""Multiruns: all jobs run, failed jobs are listed at the end, and a signal stops the multirun."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

import mdhr.training.training_run
from mdhr.config.signals import stop_on_signals
from mdhr.config.validation import validate
from mdhr.errors import DivergedError, InputError
from mdhr.reporting.finished_runs import check_one_recipe, read_runs
from tests.support.paths import ROOT

STUDY = Path("runs/study/synthetic-honest")
Multirun = Callable[..., int]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders of the started jobs. Nothing is trained; k selects how a job ends."""
    started = []

    def outcome(cfg: DictConfig) -> dict[str, Any]:
        started.append(cfg.run_dir)
        with stop_on_signals():
            match cfg.network.temporal_radius:
                case 2:
                    raise InputError("a wrong setting")
                case 3:
                    raise DivergedError("the loss became nan")
                case 4:
                    raise KeyError("an unexpected error")
                case 5:
                    os.kill(os.getpid(), signal.SIGINT)
        return {"validation_f1_mean": 0.5}

    monkeypatch.setattr(mdhr.training.training_run, "train", outcome)
    return started


@pytest.fixture
def multirun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exit_status: Callable[..., int]) -> Multirun:
    """Exit status of ``mdhr train -m`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return partial(exit_status, "train", "-m")


ONE_FOLD = ("experiment=[smoke,table_3]", "data.fold=1")


def test_all_jobs_run_and_failed_jobs_are_listed(
    jobs: list[str], multirun: Multirun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert multirun(*ONE_FOLD, "network.temporal_radius=2,1,3,4,6") == 3
    folders = [f"{STUDY}/mdhr-k{k}-lambda0.01-fold1-seed1" for k in (2, 1, 3, 4, 6)]
    assert jobs == folders
    lines = capfd.readouterr().err.splitlines()
    assert lines[:2] == [f"{folders[0]}: a wrong setting", f"{folders[2]}: the loss became nan"]
    assert lines[2] == "Traceback (most recent call last):", "unexpected errors have a traceback"
    assert lines[-2:] == [
        f"{folders[3]}: KeyError (traceback above)",
        "3 of 5 jobs failed (messages above): " + ", ".join(f"mdhr-k{k}-lambda0.01-fold1-seed1" for k in (2, 3, 4)),
    ]


def test_a_multirun_without_failures_is_silent(
    jobs: list[str], multirun: Multirun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert multirun(*ONE_FOLD, "network.temporal_radius=1,6") == 0
    assert len(jobs) == 2
    assert capfd.readouterr().err == ""


def test_a_signal_stops_the_multirun(jobs: list[str], multirun: Multirun, capfd: pytest.CaptureFixture[str]) -> None:
    assert multirun(*ONE_FOLD, "network.temporal_radius=5,6") == 130
    assert len(jobs) == 1
    assert capfd.readouterr().err == "stopped by SIGINT\n"


def test_an_unknown_network_is_reported_before_the_first_job(
    jobs: list[str], multirun: Multirun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert multirun(*ONE_FOLD, "network=mdhr,mdrh") == 2
    assert jobs == []
    assert capfd.readouterr().err.startswith("there is no network=mdrh: choose one of ")


@pytest.mark.slow
def test_two_jobs_are_two_runs_of_one_group_in_wandb(
    prepared: Path, multirun: Multirun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    settings = (f"data.root={prepared}", "trainer.max_epochs=1", "logger=wandb")
    assert multirun(*ONE_FOLD, "network.temporal_radius=1,2", *settings) == 0
    files = sorted(tmp_path.glob("runs/study/*/*/wandb/offline-run-*/*.wandb"))
    runs, epochs = [], []
    for file in files:
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
        records = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        runs += [record["run"] for record in map(json.loads, records) if record["type"] == "run"]
        epochs.append(sum('"val/f1_mean"' in line for line in records))
    assert [run["display_name"] for run in runs] == [f"mdhr-k{k}-lambda0.01-fold1-seed1" for k in (1, 2)]
    assert {run["run_group"] for run in runs} == {"table_3-synthetic-honest"}
    assert len({run["run_id"] for run in runs}) == 2
    assert epochs[0] == epochs[1] > 0, "separate logs"


@pytest.mark.slow
def test_stage_2_starts_from_stage_1_of_its_seed_and_fails_without_it(
    prepared: Path, multirun: Multirun, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = (f"data.root={prepared}", "trainer.max_epochs=1", "data.fold=1")
    assert multirun("experiment=[smoke,me_graphau]", "network=me_graphau_stage1", "seed=1", *settings) == 0
    capfd.readouterr()
    assert multirun("experiment=[smoke,me_graphau_stage2]", "seed=2,1", *settings) == 3
    first, second = (f"me_graphau_stage{stage}-k2-lambda0.01-fold1-seed" for stage in (1, 2))
    assert capfd.readouterr().err.splitlines() == [
        f"{STUDY}/{second}2: network.weights: file '{STUDY}/{first}2/checkpoints/best.ckpt' does not exist. "
        "Train stage 1 first (network=me_graphau_stage1) and pass its checkpoint.",
        f"1 of 2 jobs failed (messages above): {second}2",
    ]
    runs = read_runs(STUDY)
    assert [Path(folder).name for folder in runs["folder"]] == [f"{first}1", f"{second}1"]
    check_one_recipe(runs)
    assert multirun("experiment=[smoke,me_graphau_stage2]", "seed=1", *settings) == 0
    assert f"{second}1 is complete and is not repeated" in capfd.readouterr().out


def swept(table: str, *overrides: str) -> set[str]:
    """Names of the runs that the file of a sweep describes."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [f"experiment=[demo,{table}]", *overrides], return_hydra_config=True)
        params = cfg.hydra.sweeper.params
        names = {""}
        for key in ("network", "network.temporal_radius", "module.region_weight", "data.fold", "seed"):
            default = {"network": cfg.hydra.runtime.choices.network, "seed": "1"}.get(key, "-")
            values = str(params.get(key, default)).split(",")
            names = {f"{name} {key}={value}" for name in names for value in values}
        return names


def test_the_sweeps_are_those_of_the_paper() -> None:
    lambdas = ("0", "0.0001", "0.001", "0.01", "0.05", "0.1", "0.2", "0.5")
    form = " network={} network.temporal_radius={} module.region_weight={} data.fold={} seed={}"
    folds = (1, 2, 3)
    assert swept("table_3") == {form.format("mdhr", k, "-", fold, 1) for k in range(1, 9) for fold in folds}
    assert swept("table_4") == {form.format("mdhr", "-", each, fold, 1) for each in lambdas for fold in folds}
    variants = ("backbone_only", "backbone_mfd", "backbone_hsr", "mdhr", "mdhr_without_tcn")
    assert swept("table_6") == {
        form.format(network, "-", "-", fold, seed) for network in variants for fold in folds for seed in (1, 2, 3)
    }
    stages = {"me_graphau": ("mdhr", "me_graphau_stage1"), "me_graphau_stage2": ("me_graphau_stage2",)}
    for sweep, networks in stages.items():
        assert swept(sweep) == {
            form.format(network, "-", "-", fold, seed) for network in networks for fold in folds for seed in (1, 2, 3)
        }


@pytest.mark.parametrize(
    ("table", "overrides", "name"),
    [
        ("table_3", [], "mdhr-k5-lambda0.01-fold1-seed1"),
        ("table_4", [], "mdhr-k5-lambda0.01-fold1-seed1"),
        ("table_6", ["network=mdhr"], "mdhr-k5-lambda0.01-fold1-seed1"),
        ("table_4", ["module.region_weight=0"], "mdhr-k5-lambda0-fold1-seed1"),
        ("table_6", ["module.region_weight=0", "network=mdhr"], "mdhr-k5-lambda0-fold1-seed1"),
        ("table_4", ["module.region_weight=0.0001", "data.fold=2"], "mdhr-k5-lambda0.0001-fold2-seed1"),
        ("table_6", ["network=backbone_only", "seed=3"], "backbone_only-k5-lambda0.01-fold1-seed3"),
        ("me_graphau", [], "mdhr-k5-lambda0.01-fold1-seed1"),
        ("me_graphau", ["network=me_graphau_stage1"], "me_graphau_stage1-k5-lambda0.01-fold1-seed1"),
    ],
)
def test_tables_share_the_runs_that_they_have_in_common(
    table: str, overrides: list[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [f"experiment=[demo,{table}]", *overrides], return_hydra_config=True)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", cfg.copy())
    assert (
        cfg.run_dir == f"runs/study/synthetic_demo-honest/{name}" == f"{cfg.hydra.sweep.dir}/{cfg.hydra.sweep.subdir}"
    )
    assert (cfg.ckpt_path, cfg.group) == ("auto", f"{table}-synthetic_demo-honest")
    OmegaConf.set_struct(cfg, False)
    del cfg.hydra
    validate(cfg)
