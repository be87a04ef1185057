"""Commands that are killed: finished work stays, and the same command ends with the result of an uninterrupted one.

A trial kills a command once or twice with SIGKILL, at a random time or shortly after a random operation that modifies
files, and then runs it to its end.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.faults.conftest import RENDERED, TRAINING
from tests.support.faults import Command, CommandServer, CountOperations, KillAtOperation, Outcome
from tests.support.finished_work import assert_files_complete, assert_no_temporary_files, results

MAX_DELAY = 0.01
"""Largest time in seconds between an operation and its kill. A checkpoint of 9 MB is written in this time."""
MAX_LEFT_BEHIND = 100_000
"""Size in bytes of the largest file that a killed command may leave in the temporary folder."""
CASES = ("train", "train-with-memory-as-tmpdir", "prepare-rendered", "prepare-release", "predict", "store-frames",
         "store-features")  # fmt: skip


@pytest.fixture(scope="session")
def arguments(rendered: Path, release: Path, run: Path) -> dict[str, Sequence[str]]:
    """Arguments of every case. They write to the working directory, which the outputs do not depend on."""
    train = [*TRAINING, f"data.root={rendered}", "ckpt_path=auto"]
    videos = [str(rendered / "frames" / subject / "T1") for subject in ("S01", "S02", "S03")]
    frozen = [*TRAINING, "backbone.frozen=true", "data.module.jitter=[1,1]", f"data.root={rendered}"]
    return {
        "train": ["train", *train, "run_dir=out"],
        "train-with-memory-as-tmpdir": ["train", *train, "run_dir=out"],
        "prepare-rendered": ["prepare", *RENDERED, "data.root=out"],
        "prepare-release": ["prepare", "data=bp4d", f"data.root={release}", "data.prepared=out",
                            "data.prepare.size=64", "data.prepare.num_workers=1"],
        "predict": ["predict", *videos, "--checkpoint", str(run), "--out", "out", "--device", "cpu"],
        "store-frames": ["store-frames", f"data.root={rendered}", "data.module.frames=out"],
        "store-features": ["store-features", *frozen, "data.module.features=out"],
    }  # fmt: skip


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on another file system than the outputs."""
    if not Path("/dev/shm").is_dir():
        pytest.skip("the system has no /dev/shm")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", CASES)
def test_killed_commands_resume(
    case: str, trials: int, server: CommandServer, arguments: dict[str, Sequence[str]], tmp_path: Path, memory: Path
) -> None:
    def execute(folder: Path, fault: Callable[[], None] | None = None, kill_after: float | None = None) -> Outcome:
        folder.mkdir(exist_ok=True)
        temporary = {"TMPDIR": str(memory)} if case.endswith("tmpdir") else {}
        command = Command(
            arguments=arguments[case], folder=folder, fault=fault, kill_after=kill_after, environment=temporary
        )
        (outcome,) = server.run(command)
        return outcome

    reference = execute(tmp_path / "reference", CountOperations((tmp_path, memory)))
    assert reference.status == 0, reference.errors
    expected = results(tmp_path / "reference" / "out")
    for trial in range(trials):
        rng = np.random.default_rng([CASES.index(case), trial])
        folder = tmp_path / f"trial{trial}"
        for _ in range(rng.integers(1, 3)):
            killed = execute(folder, **_random_kill(rng, reference, (tmp_path, memory)))
            assert killed.status <= 0, killed.errors
            assert_files_complete(folder)
        completed = execute(folder)
        assert completed.status == 0, completed.errors
        assert _differences(results(folder / "out"), expected) == []
        assert_no_temporary_files(folder)
        left = [path for path in memory.rglob("*") if path.is_file() and path.stat().st_size > MAX_LEFT_BEHIND]
        assert not left
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_trainings_of_one_run(
    trials: int, server: CommandServer, arguments: dict[str, Sequence[str]], tmp_path: Path
) -> None:
    reference, *pairs = (tmp_path / f"pair{number}" for number in range(trials + 1))
    reference.mkdir()
    (alone,) = server.run(Command(arguments=arguments["train"], folder=reference))
    assert alone.status == 0, alone.errors
    for folder in pairs:
        folder.mkdir()
        command = Command(arguments=arguments["train"], folder=folder)
        first, second = sorted(server.run(command, command), key=lambda outcome: outcome.status)
        assert first.status == 0, first.errors
        second.assert_one_line("out", "is in use by process")
        assert _differences(results(folder / "out"), results(reference / "out")) == []


def _random_kill(rng: np.random.Generator, reference: Outcome, folders: tuple[Path, ...]) -> dict[str, Any]:
    """Return a kill at a random time, or after a random operation that modifies files."""
    if rng.random() < 0.4:
        return {"kill_after": float(rng.uniform(0, reference.seconds))}
    number = int(rng.integers(1, reference.operations + 1))
    return {"fault": KillAtOperation(folders, number, float(rng.choice([0, rng.uniform(0, MAX_DELAY)])))}


def _differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    return [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
