"""Training that is killed, interrupted or refused at a chosen moment: finished work stays and the same command completes."""

import errno
import json
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from omegaconf import DictConfig

import mdhr.files.atomic
from mdhr.config.signals import Interrupted
from mdhr.errors import InputError
from mdhr.files.folder_lock import locked_folder
from mdhr.training.callbacks.exact_resume import ExactResume
from mdhr.training.training_run import train

Compose = Callable[..., DictConfig]
EPOCHS = "trainer.max_epochs=2"


def in_child(action: Callable[[], Any]) -> int:
    """Run an action in a forked process and return its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]


def killed_at(name: str, occurrence: int, action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an action in another process that is killed when it is about to rename the new content of a file."""
    replace, seen = os.replace, []

    def kill_or_replace(source: Path, target: Path) -> None:
        seen.append(Path(target).name)
        if seen.count(name) == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(mdhr.files.atomic.os, "replace", kill_or_replace)
        assert os.WTERMSIG(in_child(action)) == signal.SIGKILL


def content(run: Path) -> dict[str, bytes]:
    """Return all files of a run by name, without those of Hydra and the lock."""
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def result(run: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the parameters and the metrics of a run."""
    record = json.loads((run / "metrics.json").read_text())
    for key in ("seconds", "checkpoint", "git_commit", "command"):
        record.pop(key)
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"], record


def assert_equal(run: Path, other: Path) -> None:
    torch.testing.assert_close(result(run)[0], result(other)[0], rtol=0, atol=0, equal_nan=True)
    assert result(run)[1] == result(other)[1]


@pytest.fixture(scope="module")
def complete(compose_smoke: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run."""
    run = tmp_path_factory.mktemp("complete") / "run"
    train(compose_smoke(run, EPOCHS))
    return run


@pytest.fixture
def run(complete: Path, tmp_path: Path) -> Path:
    """A copy of the complete run in the folder that ``smoke`` uses."""
    return Path(shutil.copytree(complete, tmp_path / "run"))


@pytest.fixture
def other_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """``TMPDIR`` on a file system other than that of the runs."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    folder = shm / f"mdhr-test-{os.getpid()}"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("name", "occurrence"),
    [
        ("last.ckpt", 2),
        ("metrics.json", 1),
        *(
            pytest.param(name, occurrence, marks=pytest.mark.slow)
            for name, occurrence in [
                ("settings.yaml", 1),
                ("subjects.json", 1),
                ("last.ckpt", 1),
                ("best.ckpt", 1),
                ("best.ckpt", 2),
                ("last.ckpt", 3),
                ("predictions.parquet", 1),
                ("model.yaml", 1),
                ("model_card.md", 1),
            ]
        ),
    ],
)
def test_the_same_command_completes_a_killed_run(
    complete: Path,
    smoke: Compose,
    tmp_path: Path,
    other_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    occurrence: int,
) -> None:
    command = (EPOCHS, "ckpt_path=auto")
    if (name, occurrence) == ("best.ckpt", 2):
        command = (*command, "callbacks.best.monitor=epoch")  # saves each epoch
    killed_at(name, occurrence, lambda: train(smoke(*command)), monkeypatch)
    assert not list(other_disk.iterdir()), "nothing is written to TMPDIR"
    train(smoke(*command))
    if "callbacks.best.monitor=epoch" not in command:
        assert_equal(tmp_path / "run", complete)
    assert set(content(tmp_path / "run")) >= {"model.yaml", "model_card.md", "predictions.parquet", "metrics.json"}
    assert not list((tmp_path / "run").rglob(".mdhr*"))


def test_a_checkpoint_stays_if_its_successor_is_killed_in_the_middle_of_its_write(
    run: Path, smoke: Compose, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run / "metrics.json").unlink()
    save, last = torch.save, run / "checkpoints" / "last.ckpt"

    def save_half(checkpoint: Any, file: Any) -> None:
        save(checkpoint, file)
        file.truncate(file.tell() // 2)
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    shutil.copytree(run, run.with_name("before"))
    monkeypatch.setattr(torch, "save", save_half)
    assert os.WTERMSIG(in_child(lambda: train(smoke(EPOCHS, "overwrite=true")))) == signal.SIGKILL
    monkeypatch.undo()
    assert not last.exists()
    assert len(list(last.parent.glob(".mdhr-*"))) == 1
    train(smoke(EPOCHS, "ckpt_path=auto"))
    before = content(run.with_name("before"))
    assert {name: content(run)[name] for name in before if name.startswith("checkpoints")} == {
        name: text for name, text in before.items() if name.startswith("checkpoints")
    }


def test_a_full_disk_names_the_file_and_keeps_the_last_checkpoint(
    smoke: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complete: Path
) -> None:
    save, num_saved = torch.save, 0

    def fill_disk(checkpoint: Any, file: Any) -> None:
        nonlocal num_saved
        num_saved += 1
        if num_saved == 3:
            file.write(b"the start")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(checkpoint, file)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fill_disk)
        with pytest.raises(InputError, match=r"^cannot write .*run/checkpoints/last\.ckpt: No space left on device"):
            train(smoke(EPOCHS))
    assert not list((tmp_path / "run").rglob(".mdhr*"))
    train(smoke(EPOCHS, "ckpt_path=last"))
    assert_equal(tmp_path / "run", complete)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["data.root=nowhere"], "nowhere contains no prepared data set"),
        (["backbone.name=resnet5"], "backbone.name=resnet5"),
        (["network.width=wide"], r"network\.width=wide"),
        (["callbacks.progress.refresh_second=1"], "refresh_second"),
        (["trainer.accelerator=abacus"], "abacus"),
        (["ckpt_path=nowhere.ckpt"], r"nowhere\.ckpt does not exist"),
        (["ckpt_path=last"], "Omit one of them"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_run_is_not_replaced_if_the_new_one_cannot_start(
    run: Path, smoke: Compose, overrides: list[str], line: str
) -> None:
    before = content(run)
    with pytest.raises(Exception, match=line):
        train(smoke(EPOCHS, "seed=2", "overwrite=true", *overrides))
    assert content(run) == before


@pytest.mark.parametrize("name", ["settings.yaml", "last.ckpt"])
def test_a_replaced_run_is_restored_if_the_new_one_is_killed_before_its_first_checkpoint(
    run: Path, smoke: Compose, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = content(run)
    killed_at(name, 1, lambda: train(smoke(EPOCHS, "seed=2", "overwrite=true")), monkeypatch)
    assert (run / ".replaced" / "metrics.json").is_file()
    train(smoke(EPOCHS, "ckpt_path=auto"))
    assert {name: text for name, text in content(run).items() if not name.startswith("csv/")} == {
        name: text for name, text in before.items() if not name.startswith("csv/")
    }


@pytest.mark.parametrize("num_moved", [0, 1, 4])
def test_a_replaced_run_is_restored_if_moving_it_is_killed(
    run: Path, smoke: Compose, monkeypatch: pytest.MonkeyPatch, num_moved: int
) -> None:
    """Moving it back is killed as well."""
    before = content(run)
    rename, moved = Path.rename, []

    def kill_or_rename(source: Path, target: Path) -> Path:
        if len(moved) == num_moved:
            os.kill(os.getpid(), signal.SIGKILL)
        moved.append(target)
        return rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", kill_or_rename)
        assert os.WTERMSIG(in_child(lambda: train(smoke(EPOCHS, "overwrite=true")))) == signal.SIGKILL
        if num_moved:
            num_moved //= 2
            assert os.WTERMSIG(in_child(lambda: train(smoke(EPOCHS, "ckpt_path=auto")))) == signal.SIGKILL
    train(smoke(EPOCHS, "ckpt_path=auto"))
    assert content(run) == before


def test_a_signal_before_the_first_checkpoint_restores_the_replaced_run(
    run: Path, smoke: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(run)
    monkeypatch.setattr(ExactResume, "on_train_start", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted) as stopped:
        train(smoke(EPOCHS, "seed=2", "overwrite=true"))
    assert stopped.value.message == "stopped by SIGTERM; no epoch is complete; the same command starts again"
    after = content(run)
    assert {name: after[name] for name in before} == before


def usr1_in_second_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(self: ExactResume, trainer: Any, *_: Any) -> None:
        if trainer.current_epoch == 1:
            monkeypatch.undo()
            os.kill(os.getpid(), signal.SIGUSR1)

    monkeypatch.setattr(ExactResume, "on_train_batch_end", send)


def test_usr1_outside_of_slurm_prints_the_command_that_resumes(
    smoke: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complete: Path
) -> None:
    usr1_in_second_epoch(monkeypatch)
    with pytest.raises(Interrupted) as stopped:
        train(smoke(EPOCHS))
    assert stopped.value.message.startswith("stopped by SIGUSR1; the last complete epoch is in ")
    assert stopped.value.message.endswith(f"resume with: mdhr train run_dir={tmp_path}/run ckpt_path=last")
    train(smoke(EPOCHS, "ckpt_path=last"))
    assert_equal(tmp_path / "run", complete)


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[Path]:
    """The environment of Slurm job 17, with a ``scontrol`` that writes its arguments to the file that is returned."""
    calls, program = tmp_path / "calls", tmp_path / "bin" / "scontrol"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {calls}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"NTASKS": "1", "JOB_ID": "17", "JOB_NAME": "train", "PROCID": "0", "LOCALID": "0",
                            "NODEID": "0", "NODELIST": "127.0.0.1"}.items():  # fmt: skip
            patch.setenv(f"SLURM_{name}", value)
        patch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        yield calls


def test_usr1_requeues_a_slurm_job_that_resumes_by_itself(
    smoke: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complete: Path, slurm: Path
) -> None:
    usr1_in_second_epoch(monkeypatch)
    with pytest.raises(Interrupted) as stopped:
        train(smoke(EPOCHS, "ckpt_path=auto"))
    assert stopped.value.message.endswith("last.ckpt; Slurm job 17 is requeued and resumes")
    assert slurm.read_text() == "requeue 17\n"
    assert not list(tmp_path.rglob("hpc_ckpt*"))
    train(smoke(EPOCHS, "ckpt_path=auto"))
    assert_equal(tmp_path / "run", complete)


@pytest.mark.usefixtures("slurm")
def test_checkpoints_that_lightning_wrote_for_slurm_are_not_read(run: Path, smoke: Compose, complete: Path) -> None:
    hpc = run / "hpc_ckpt_1.ckpt"
    shutil.copy(run / "checkpoints" / "last.ckpt", hpc)
    before = hpc.read_bytes()
    train(smoke(EPOCHS, "seed=2", "overwrite=true"))
    assert hpc.read_bytes() == before
    weights, expected = result(run)[0], result(complete)[0]
    assert any(not torch.equal(weights[key], expected[key]) for key in weights)


def test_a_run_folder_is_used_by_one_process(run: Path, smoke: Compose) -> None:
    before = content(run)
    with locked_folder(run, setting="name"):
        status = in_child(lambda: os._exit(7 if _is_in_use(smoke(EPOCHS, "overwrite=true")) else 0))
    assert os.WEXITSTATUS(status) == 7
    assert content(run) == before


def _is_in_use(cfg: DictConfig) -> bool:
    try:
        train(cfg)
    except InputError as error:
        return f"is in use by process {os.getppid()} on host" in str(error)
    return False


def test_data_that_the_model_card_cannot_describe_are_refused_before_training(
    smoke: Compose, prepared: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(prepared, tmp_path / "data"))
    description = yaml.safe_load((data / "prepared.yaml").read_text())
    (data / "prepared.yaml").write_text(yaml.safe_dump({**description, "fps": 0}))
    with pytest.raises(InputError, match=r"0(\.0)? frames per second|fps"):
        train(smoke(EPOCHS, f"data.root={data}"))
    assert not (tmp_path / "run" / "settings.yaml").exists()


def test_a_moved_run_resumes_with_its_best_epoch(
    run: Path, complete: Path, compose_smoke: Compose, tmp_path: Path
) -> None:
    (run / "metrics.json").unlink()
    run.rename(tmp_path / "moved")
    train(compose_smoke(tmp_path / "moved", EPOCHS, "ckpt_path=last"))
    assert_equal(tmp_path / "moved", complete)
