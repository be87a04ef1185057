"""Read-only folders: one line if a command has to write there, and no error if it only reads."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.conftest import RENDERED, TRAINING
from tests.faults.test_full_disk import CASES
from tests.support.faults import Command, CommandServer
from tests.support.mounts import read_only


@pytest.mark.slow
@pytest.mark.parametrize("exists", [True, False], ids=["existing", "new"])
@pytest.mark.parametrize("case", CASES)
def test_output_folder(
    case: str, exists: bool, server: CommandServer, writing_commands: dict[str, Sequence[str]], tmp_path: Path
) -> None:
    if exists:
        (tmp_path / "out").mkdir()
    with read_only(tmp_path):
        (outcome,) = server.run(Command(arguments=writing_commands[case], folder=tmp_path))
    outcome.assert_one_line("out", "Read-only file system")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["prepare", *RENDERED, "data.root={rendered}"],
        ["check", "data.root={rendered}", "num_workers=1"],
        ["train", *TRAINING, "data.root={rendered}", "run_dir=out", "trainer.max_epochs=1"],
        ["evaluate", "run={run}", "trainer=cpu", "out=out"],
        ["predict", "{rendered}/frames/S01/T1", "--checkpoint", "{run}", "--out", "out", "--device", "cpu"],
        ["export", "{run}", "--out", "out"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_inputs(arguments: list[str], server: CommandServer, rendered: Path, run: Path, tmp_path: Path) -> None:
    filled = [argument.format(rendered=rendered, run=run) for argument in arguments]
    with read_only(rendered), read_only(run):
        (outcome,) = server.run(Command(arguments=filled, folder=tmp_path))
    assert outcome.status == 0, outcome.errors
