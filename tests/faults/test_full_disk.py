"""Commands on a full disk: one line, finished work stays, and the same command completes when there is space."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.support.faults import Command, CommandServer, CountOperations, FullDisk
from tests.support.finished_work import assert_files_complete, results
from tests.support.mounts import small_disk

COMPLETE = (0, 3)
"""Exit statuses of a command that wrote its files; 3 is a table with missing runs."""
CASES = ("prepare-rendered", "prepare-release", "check", "label-figures", "store-frames", "store-features", "train",
         "train-wandb", "evaluate", "cross-validate", "pretrain", "predict", "export", "table", "report", "attention",
         "render-sheets")  # fmt: skip
SLOW = ("cross-validate", "render-sheets", "train-wandb")
"""Cases of the long suite: half a minute each."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", CASES)
def test_no_file_can_be_created(
    case: str, trials: int, server: CommandServer, writing_commands: dict[str, Sequence[str]], tmp_path: Path
) -> None:
    _skip_in_short_suite(case, trials, half=0)
    arguments, folders = writing_commands[case], (tmp_path,)
    (tmp_path / "reference").mkdir()
    (complete,) = server.run(
        Command(arguments=arguments, folder=tmp_path / "reference", fault=CountOperations((tmp_path,)))
    )
    assert complete.status in COMPLETE, complete.errors
    rng = np.random.default_rng(CASES.index(case))
    for trial in range(max(1, trials // 2)):
        folder = tmp_path / f"trial{trial}"
        folder.mkdir()
        fault = FullDisk(folders, int(rng.integers(1, complete.operations + 1)))
        (failed,) = server.run(Command(arguments=arguments, folder=folder, fault=fault))
        assert_files_complete(folder)
        if failed.status not in COMPLETE:  # the last operations may create nothing
            failed.assert_one_line("out", "No space left on device")
            (again,) = server.run(Command(arguments=arguments, folder=folder))
            assert again.status == complete.status, again.errors
        assert set(results(folder)) == set(results(tmp_path / "reference"))
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", [case for case in CASES if case != "check"])  # writes less than a page of memory
def test_no_more_bytes_can_be_written(
    case: str, trials: int, server: CommandServer, writing_commands: dict[str, Sequence[str]], tmp_path: Path
) -> None:
    _skip_in_short_suite(case, trials, half=1)
    reference = tmp_path / "reference"
    reference.mkdir()
    (complete,) = server.run(Command(arguments=writing_commands[case], folder=reference))
    assert complete.status in COMPLETE, complete.errors
    used = sum(path.stat().st_size for path in reference.rglob("*") if path.is_file())
    rng = np.random.default_rng([CASES.index(case), 1])
    for trial in range(max(1, trials // 2)):
        folder = tmp_path / f"disk{trial}"
        with small_disk(folder, max(4096, int(used * rng.uniform(0, 0.9)))) as resize:
            (failed,) = server.run(Command(arguments=writing_commands[case], folder=folder))
            failed.assert_one_line("out")
            assert re.search("No space left on device|are free in", failed.errors)
            assert_files_complete(folder)
            resize(10 * used + 100_000_000)
            (again,) = server.run(Command(arguments=writing_commands[case], folder=folder))
            assert again.status == complete.status, again.errors
            assert set(results(folder)) == set(results(reference))


@pytest.mark.parametrize("arguments", [["completion", "bash"], ["--help"]], ids=lambda arguments: arguments[0])
def test_standard_output(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mdhr", *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (2, "cannot write the standard output: No space left on device\n")


def _skip_in_short_suite(case: str, trials: int, *, half: int) -> None:
    """Skip slow cases, and half of the others in each of the two tests, unless there are many trials."""
    if trials < 10 and (case in SLOW or CASES.index(case) % 2 != half):
        pytest.skip("runs in `make faults`")
