"""State and settings of run folders."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from mdhr.errors import InputError
from mdhr.training.run_folder import (
    check_same_settings,
    flatten_settings,
    result_affecting_config,
    run_state,
    write_settings,
)

SETTINGS = {"data": {"fold": 1, "jitter": [0.6, 1.4], "num_workers": 0}, "logger": {}, "seed": None}


def test_a_run_accepts_the_settings_it_was_started_with(tmp_path: Path) -> None:
    write_settings(tmp_path / "run", SETTINGS)
    check_same_settings(tmp_path / "run", SETTINGS)
    check_same_settings(tmp_path / "run", {**SETTINGS, "data": {"fold": 1, "jitter": [0.6, 1.4], "num_workers": 4}})


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ({**SETTINGS, "data": {"fold": 2, "jitter": [0.6, 1.4]}}, "data.fold=1, not 2"),
        ({**SETTINGS, "data": {"fold": 1, "jitter": [0.5, 1.4]}}, r"data.jitter=\[0.6, 1.4\], not \[0.5, 1.4\]"),
        ({"seed": None}, "data.fold=1, not None"),
    ],
)
def test_different_settings_are_refused(tmp_path: Path, now: dict[str, object], message: str) -> None:
    write_settings(tmp_path, SETTINGS)
    with pytest.raises(InputError, match=f"{message}.*delete the folder"):
        check_same_settings(tmp_path, now)


def test_a_run_resumes_with_less_memory(smoke: Callable[..., DictConfig], tmp_path: Path) -> None:
    write_settings(tmp_path, result_affecting_config(smoke()))
    check_same_settings(tmp_path, result_affecting_config(smoke("backbone.activation_checkpointing=true")))


def test_a_run_without_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"contains a run without settings\.yaml"):
        check_same_settings(tmp_path, SETTINGS)


def test_state_of_a_run(smoke: Callable[..., DictConfig]) -> None:
    cfg, other = smoke(), smoke("seed=7")
    run, last = Path(cfg.run_dir), Path(cfg.callbacks.last.path)
    write_settings(run, result_affecting_config(cfg))
    assert run_state(other) == "new", "no checkpoint, no run"
    last.parent.mkdir()
    last.touch()
    assert run_state(cfg) == "incomplete"
    (run / "metrics.json").write_text('{"f1_mean": 0.5}')
    assert run_state(cfg) == "incomplete", "the record of an evaluation"
    (run / "metrics.json").write_text('{"f1_mean": 0.5, "validation_f1_mean": 0.5}')
    assert run_state(cfg) == "complete"
    assert run_state(smoke("overwrite=true")) == "new"
    with pytest.raises(InputError, match="was started with seed=1, not 7"):
        run_state(other)


def test_settings_without_effect_on_results_are_excluded(
    compose_smoke: Callable[..., DictConfig], tmp_path: Path
) -> None:
    display = ("logger=tensorboard", "name=b", "ckpt_path=auto", "callbacks.progress.refresh_seconds=1",
               "callbacks.metrics.validation=false")  # fmt: skip
    here, there = (
        result_affecting_config(compose_smoke(tmp_path / "a")),
        result_affecting_config(compose_smoke(tmp_path / "b", *display)),
    )
    assert here == there
    other = result_affecting_config(
        compose_smoke(tmp_path / "a", "network.temporal_radius=1", "callbacks.best.monitor=val/auc_mean")
    )
    different = {key for key, value in flatten_settings(here) if dict(flatten_settings(other))[key] != value}
    assert different == {"network.temporal_radius", "module.network.temporal_radius", "callbacks.best.monitor"}


@pytest.mark.parametrize("name", ["evaluation.yaml", "metrics.json"])
def test_the_folder_of_an_evaluation_is_no_run(smoke: Callable[..., DictConfig], tmp_path: Path, name: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("{}")
    for overrides in ((), ("overwrite=true",)):
        with pytest.raises(InputError, match=r"run contains the results of mdhr evaluate\. Pass name="):
            run_state(smoke(*overrides))
