"""Training runs: exact resuming, interruption, and one-line messages for wrong inputs."""

import json
import os
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch import Callback, Trainer
from omegaconf import DictConfig
from sklearn.metrics import f1_score

from mdhr.config.signals import Interrupted
from mdhr.errors import DivergedError, InputError
from mdhr.training.callbacks.exact_resume import ExactResume
from mdhr.training.run_folder import read_settings
from mdhr.training.run_record import read_record
from mdhr.training.training_run import train

DROPOUT = "backbone.drop_path_rate=0.5"  # samples random numbers in every training step


class Poison(Callback):
    """Make the parameters NaN before the second epoch."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch == 1:
            next(pl_module.parameters()).data.fill_(torch.nan)


SignalAt = Callable[..., None]


@pytest.fixture
def signal_at(monkeypatch: pytest.MonkeyPatch) -> SignalAt:
    """Send this process a signal once, after a batch of an epoch, or before the first batch if ``batch`` is -1.

    A callback that a run always has sends it, so that its settings are those of a run without interruption.
    """

    def signal_at(epoch: int, batch: int, *, signum: int = signal.SIGINT) -> None:
        sent: list[int] = []

        def send(trainer: Trainer, batch_idx: int) -> None:
            if (trainer.current_epoch, batch_idx) == (epoch, batch) and not sent:
                sent.append(signum)
                os.kill(os.getpid(), signum)

        def after_batch(self: ExactResume, trainer: Trainer, module: Any, out: Any, data: Any, batch_idx: int) -> None:
            send(trainer, batch_idx)

        start_epoch = ExactResume.on_train_epoch_start

        def before_epoch(self: ExactResume, trainer: Trainer, module: Any) -> None:
            start_epoch(self, trainer, module)
            send(trainer, -1)

        monkeypatch.setattr(ExactResume, "on_train_batch_end", after_batch)
        monkeypatch.setattr(ExactResume, "on_train_epoch_start", before_epoch)

    return signal_at


def outcome(run: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any], dict[str, Any]]:
    """Parameters, optimizer state and metrics of a run."""
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    record = json.loads((run / "metrics.json").read_text())
    for key in ("seconds", "checkpoint", "git_commit", "command"):
        record.pop(key)
    return checkpoint["state_dict"], checkpoint["optimizer_states"][0], record


@pytest.fixture(scope="module")
def unbroken(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without interruption."""
    run = tmp_path_factory.mktemp("unbroken") / "run"
    train(compose_smoke(run, DROPOUT))
    return run


@pytest.mark.parametrize(
    ("epoch", "batch", "settings"),
    [(0, 0, []), (1, 1, []), (1, -1, []), (2, 2, ["data.module.num_workers=1"])],
    ids=["first-batch", "mid-epoch", "between-epochs", "last-batch-with-workers"],
)
def test_resumed_run_equals_the_unbroken_one_bitwise(
    unbroken: Path,
    smoke: Callable[..., DictConfig],
    tmp_path: Path,
    signal_at: SignalAt,
    epoch: int,
    batch: int,
    settings: list[str],
):
    signal_at(epoch, batch)
    with pytest.raises(Interrupted) as raised:
        train(smoke(DROPOUT, *settings))
    assert "last.ckpt; resume with: " in raised.value.message
    train(smoke(DROPOUT, "ckpt_path=last", *settings))
    *expected, expected_record = outcome(unbroken)
    *resumed, resumed_record = outcome(tmp_path / "run")
    torch.testing.assert_close(resumed, expected, rtol=0, atol=0, equal_nan=True)
    assert resumed_record == expected_record


def test_another_seed_is_another_run(unbroken: Path, smoke: Callable[..., DictConfig], tmp_path: Path):
    train(smoke(DROPOUT, "seed=2"))
    expected, other = outcome(unbroken)[0], outcome(tmp_path / "run")[0]
    assert any(not torch.equal(expected[key], other[key]) for key in expected)


def test_metrics_and_predictions_of_a_run_agree(unbroken: Path):
    record = json.loads((unbroken / "metrics.json").read_text())
    table = pd.read_parquet(unbroken / "predictions.parquet")
    assert set(table["subject"]) == {"F001", "M001"}
    assert len(table) == record["num_test_frames"] == 30
    assert not table.duplicated(["subject", "task", "frame"]).any()
    valid = table[table["label_AU7"] != -1]
    assert record["f1"]["AU7"] == pytest.approx(f1_score(valid["label_AU7"], valid["score_AU7"] >= 0.5))
    assert (record["protocol"], record["fold"], record["seed"]) == ("honest", 1, 1)
    assert not list(unbroken.rglob(".mdhr*"))
    log = pd.read_csv(unbroken / "csv" / "version_0" / "metrics.csv")
    assert log["val/f1_mean"].notna().sum() == 3
    assert log["val/f1_mean"].max() == pytest.approx(record["validation_f1_mean"])


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("backbone.name=test_convnext", r"best\.ckpt is of another network: \d+ keys missing .* keys unexpected .*"),
        (
            "network.width=24",
            r"best\.ckpt is of another network: \d+ keys of another shape \(.*\)\. Choose the backbone=",
        ),
        ("data.au_set.name=DISFA", "was prepared with the action units of BP4D, but those of DISFA are required"),
    ],
)
def test_resuming_from_a_checkpoint_that_does_not_fit_is_refused_in_one_line(
    unbroken: Path, smoke: Callable[..., DictConfig], override: str, line: str
):
    with pytest.raises(InputError, match=line) as raised:
        train(smoke(f"ckpt_path={unbroken}/checkpoints/best.ckpt", override))
    assert "\n" not in str(raised.value)


def test_resuming_with_another_length_is_refused(unbroken: Path, smoke: Callable[..., DictConfig]):
    with pytest.raises(InputError, match="schedule of the checkpoint has 9 steps, this run has 12"):
        train(smoke(f"ckpt_path={unbroken}/checkpoints/last.ckpt", "trainer.max_epochs=4"))


def test_diverged_training_stops_with_one_line(smoke: Callable[..., DictConfig], tmp_path: Path):
    poison = f"+callbacks.poison={{_target_:{__name__}.Poison}}"
    with pytest.raises(
        DivergedError,
        match=r"^training diverged: the loss is NaN or infinite in epoch 1, batch 0\. Lower module",
    ):
        train(smoke(poison))
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(value.isfinite().all() for value in last["state_dict"].values())


@pytest.mark.parametrize("limit", ["max_steps=2", "fast_dev_run=true"])
def test_a_run_that_ends_before_its_first_validation_is_tested(
    smoke: Callable[..., DictConfig], tmp_path: Path, limit: str
):
    record = train(smoke(f"+trainer.{limit}"))
    assert 0 <= record["validation_f1_mean"] <= 1
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").is_file()
    assert read_record(tmp_path / "run") == json.loads(json.dumps(record))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_precision_is_recorded(smoke: Callable[..., DictConfig], tmp_path: Path, precision: str):
    record = train(
        smoke("trainer.max_epochs=1", *([] if precision == "32-true" else [f"trainer.precision={precision}"]))
    )
    assert record["precision"] == precision
    assert read_settings(tmp_path / "run")["trainer"]["precision"] == precision
    assert np.isfinite(record["validation_f1_mean"])


@pytest.fixture
def program(
    exit_status: Callable[..., int], prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Exit status of a ``main`` on the smoke experiment, in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)

    def start(command: str, *overrides: str, multirun: bool = False) -> int:
        return exit_status(command, *["-m"] * multirun, "experiment=smoke", f"data.root={prepared}", *overrides)

    return start


def test_a_signal_ends_the_program_with_its_status_and_prints_the_command_that_resumes(
    program: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str], signal_at: SignalAt
):
    settings = ["name=stopped"]
    signal_at(1, 1, signum=signal.SIGTERM)
    assert program("train", *settings) == 143
    message = capfd.readouterr().err.strip().splitlines()[-1]
    assert message.startswith(
        "stopped by SIGTERM; the last complete epoch is in runs/stopped/checkpoints/last.ckpt; resume with:"
    )
    assert message.endswith("run_dir=runs/stopped ckpt_path=last")
    assert program("train", *settings) == 2
    assert capfd.readouterr().err == (
        "runs/stopped contains a run. Pass ckpt_path=last to resume it, name=... to start another run, "
        "or overwrite=true to replace it.\n"
    )


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["data.btch_size=3"], "there is no setting data.btch_size: did you mean data.batch_size"),
        (["backbone=resnet5"], "there is no backbone=resnet5: choose one of"),
        (["data.fold=[1"], "no viable alternative at input '[1'"),
        (["data.fold=7"], "data.fold=7 does not exist in noise: expected one of 1, 2, 3."),
        (["ckpt_path=last"], "runs/smoke/checkpoints/last.ckpt does not exist"),
        (["data.root=nowhere"], "nowhere"),
        (["data.au_set.name=DISFA"], "BP4D"),
        (
            ["module.class_weights=[1,1]"],
            "module.class_weights has 2 values, expected 12: one for each action unit of BP4D",
        ),
        (["run_dir=file/run"], "file/run: Not a directory"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_input_ends_the_program_with_one_line(
    program: Callable[..., int],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    overrides: list[str],
    line: str,
):
    (tmp_path / "file").touch()
    assert program("train", *overrides) == 2
    message = capfd.readouterr().err
    assert line in message
    assert message.count("\n") == 1


def test_broken_image_is_named_by_a_worker_too(
    program: Callable[..., int], prepared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    broken = tmp_path / "broken"
    shutil.copytree(prepared, broken)
    for image in broken.rglob("*.jpg"):
        image.write_bytes(image.read_bytes()[:100])
    settings = [f"data.root={broken}", "data.module.num_workers=1"]
    assert program("train", *settings) == 2
    message = capfd.readouterr().err
    assert ".jpg" in message
    assert message.count("\n") == 1


@pytest.mark.slow
def test_complete_jobs_of_a_sweep_are_not_repeated(
    program: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    quick = ["trainer.max_epochs=1", "ckpt_path=auto"]
    assert program("train", *quick, "network.temporal_radius=1", multirun=True) == 0
    jobs = [tmp_path / "runs" / "smoke" / f"network.temporal_radius={k},trainer.max_epochs=1" for k in (1, 2)]
    first = (jobs[0] / "metrics.json").read_bytes()
    capfd.readouterr()
    assert program("train", *quick, "network.temporal_radius=1,2", multirun=True) == 0
    assert "temporal_radius=1,trainer.max_epochs=1 is complete and is not repeated" in capfd.readouterr().out
    assert (jobs[0] / "metrics.json").read_bytes() == first
    assert json.loads((jobs[1] / "metrics.json").read_text())["f1"]
    assert program("train", *quick, f"run_dir='{jobs[0]}'", "network.temporal_radius=2") == 2
    assert "was started with network.temporal_radius=1, not 2" in capfd.readouterr().err


@pytest.mark.slow
def test_a_stopped_job_of_a_sweep_prints_a_command_that_resumes(
    program: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str], signal_at: SignalAt
):
    signal_at(0, 1)
    job = ["hydra.sweep.subdir='temporal_radius=1,seed=1'", "network.temporal_radius=1"]
    assert program("train", *job, multirun=True) == 130
    message = capfd.readouterr().err.strip().splitlines()[-1]
    assert program("train", *shlex.split(message.partition("mdhr train ")[2])) == 0
    assert (tmp_path / "runs/smoke/temporal_radius=1,seed=1/metrics.json").is_file()


def test_replacing_a_run_deletes_its_results(
    unbroken: Path, smoke: Callable[..., DictConfig], tmp_path: Path, signal_at: SignalAt
):
    shutil.copytree(unbroken, tmp_path / "run")
    signal_at(1, 0)
    with pytest.raises(Interrupted):
        train(smoke("ckpt_path=auto", "overwrite=true", "trainer.max_epochs=2"))
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert not (tmp_path / "run" / ".replaced").exists()
