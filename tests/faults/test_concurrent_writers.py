"""Two equal commands at the same time in one folder: one completes its work, the other ends with one line or finds it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.faults import Command, CommandServer
from tests.support.finished_work import assert_no_temporary_files, results

CASES = ("prepare-rendered", "prepare-release", "store-frames", "store-features", "train", "predict", "export")


@dataclass(frozen=True)
class Delay:
    """Start the command later."""

    seconds: float

    def __call__(self) -> None:
        time.sleep(self.seconds)


@pytest.fixture(scope="module")
def expected(
    server: CommandServer, writing_commands: dict[str, Sequence[str]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[dict[str, Any], float]]:
    """Return the results of one undisturbed command and its seconds."""
    known: dict[str, tuple[dict[str, Any], float]] = {}

    def run(case: str) -> tuple[dict[str, Any], float]:
        if case not in known:
            folder = tmp_path_factory.mktemp(case)
            (outcome,) = server.run(Command(arguments=writing_commands[case], folder=folder))
            assert outcome.status == 0, outcome.errors
            known[case] = results(folder / "out"), outcome.seconds
        return known[case]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_writers_leave_one_complete_result(
    case: str,
    server: CommandServer,
    writing_commands: dict[str, Sequence[str]],
    expected: Callable[[str], tuple[dict[str, Any], float]],
    tmp_path: Path,
    trials: int,
) -> None:
    wanted, seconds = expected(case)
    rng = np.random.default_rng(0)
    for trial in range(trials):
        folder = tmp_path / str(trial)
        folder.mkdir()
        delays = (0.0, 0.0 if trial == 0 else float(rng.uniform(0, seconds)))
        outcomes = server.run(
            *(Command(arguments=writing_commands[case], folder=folder, fault=Delay(delay)) for delay in delays)
        )
        assert 0 in [outcome.status for outcome in outcomes], [outcome.errors for outcome in outcomes]
        for outcome in outcomes:
            if outcome.status != 0:
                is_complete = case == "export" and "already exists" in outcome.errors
                outcome.assert_one_line("already exists" if is_complete else "is in use by process")
        assert results(folder / "out") == wanted
        assert_no_temporary_files(folder / "out")
