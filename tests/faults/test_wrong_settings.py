"""Every wrong setting ends a command with exit status 2 and one clear message before any training starts."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hydra._internal.hydra import Hydra
from hydra.types import RunMode
from lightning.pytorch import Trainer

from mdhr.commands import COMMANDS
from mdhr.training.training_run import train

TABLE = Path(__file__).with_name("wrong_settings.yaml")
CASES = [(command, line) for command, lines in yaml.safe_load(TABLE.read_text()).items() for line in lines]
TESTED = CASES if "MDHR_FAULT_TRIALS" in os.environ else CASES[::3]
"""All cases run in `make faults`."""
FAST = 3
"""One of so many tested cases runs in the fast tests."""
WITH_DATA = ("prepare", "check", "label-figures", "store-frames")


@pytest.fixture(scope="session")
def finished_run(compose_smoke: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("finished") / "run"
    train(compose_smoke(run, "trainer.max_epochs=1", "logger=none"))
    return run


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when training starts, and compose every configuration once instead of twice."""

    def fit(*_: object, **__: object) -> None:
        raise AssertionError("training has started")

    monkeypatch.setattr(Trainer, "fit", fit)
    monkeypatch.setattr(Hydra, "get_mode", lambda *_, **__: RunMode.RUN)


def required_arguments(command: str, given: list[str], prepared: Path) -> list[str]:
    """Arguments that make a command valid and small, without those that are given."""
    arguments: list[str] = []
    if command == "train":
        arguments = ["experiment=smoke", f"data.root={prepared}", "run_dir=run"]
    elif command in WITH_DATA and not any(argument.startswith("data=") for argument in given):
        arguments = [f"data.root={prepared}"]
    keys = {argument.partition("=")[0] for argument in given}
    return [argument for argument in arguments if argument.partition("=")[0] not in keys]


def test_the_table_covers_every_command() -> None:
    assert len(CASES) >= 150
    assert len(set(CASES)) == len(CASES)
    assert {command for command, _ in CASES} == set(COMMANDS)


@pytest.mark.usefixtures("no_training")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("command", "line"),
    [
        pytest.param(*case, id=" ".join(case), marks=[] if number % FAST == 0 else pytest.mark.slow)
        for number, case in enumerate(TESTED)
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(
    command: str,
    line: str,
    prepared: Path,
    finished_run: Path,
    exit_status: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.mp4").touch()
    text, _, name = line.partition(" # ")
    split = text.split if "=" in text else lambda: shlex.split(text)
    given = [argument.replace("RUN", str(finished_run)) for argument in split()]
    name = name or given[0].lstrip("+~").partition("=")[0]
    assert exit_status(command, *required_arguments(command, given, prepared), *given) == 2
    lines = capfd.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 3
    assert name in lines[0]
    assert not any("Traceback" in each for each in lines)
