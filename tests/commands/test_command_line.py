"""``mdhr`` and ``mdhr <command> --help``."""

import re
import shlex
import signal
import subprocess
import sys
import time
from importlib import import_module

import pytest

from mdhr.__main__ import main
from mdhr.commands import COMMANDS, GROUPS, module_name
from tests.support.paths import SOURCE

HEAVY = {"torch", "lightning", "hydra", "omegaconf", "timm", "pandas", "numpy", "matplotlib", "cv2", "av"}


def test_every_command_module_is_listed() -> None:
    modules = {file.stem for file in (SOURCE / "commands").glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in COMMANDS} == modules


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_overview_lists_all_commands_in_groups(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    text = capsys.readouterr().out
    for group, commands in GROUPS.items():
        assert f"\n{group}:\n" in text
        for name, summary in commands.items():
            assert re.search(rf"^  {name} +{re.escape(summary)}$", text, flags=re.M)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_a_command_with_two_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main([command, "--help"])
    except SystemExit as stop:
        status = int(stop.code or 0)
    assert status == 0
    text = capsys.readouterr().out
    assert f"usage: mdhr {command}" in text
    examples = re.findall(rf"^  .*\bmdhr {command}\b.*$", text.partition("xamples:")[2], flags=re.M)
    assert len(examples) >= 2


def test_unknown_commands_are_one_line_with_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert capsys.readouterr().err == "mdhr: unknown command 'trian'. Did you mean train?\n"
    assert main(["xyz"]) == 2
    assert capsys.readouterr().err == "mdhr: unknown command 'xyz'. `mdhr --help` lists the commands.\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_nothing_heavy(command: str) -> None:
    code = f"import sys, {module_name(command)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {name.partition(".")[0] for name in loaded.split()} & HEAVY == set()


def test_help_answers_within_half_a_second() -> None:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mdhr", "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5


def test_output_that_nobody_reads_ends_the_command_without_a_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mdhr", "train", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=SOURCE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + signal.SIGPIPE, b"")


def test_completion_scripts_contain_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "tcsh"):
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert all(name in script for name in COMMANDS)
        assert "--checkpoint" in script or shell == "tcsh"


@pytest.mark.parametrize("command", [name for name in COMMANDS if import_module(module_name(name)).SHOWS_DOCSTRING])
def test_overrides_of_the_examples_compose(command: str) -> None:
    """The examples of Hydra commands name existing experiments, groups and settings."""
    from hydra import compose, initialize_config_dir

    from tests.support.paths import CONF

    name = command.replace("-", "_")
    if not (CONF / f"{name}.yaml").is_file():
        pytest.skip("not a Hydra command")
    text = import_module(module_name(command)).__doc__ or ""
    for line in re.findall(rf"^  mdhr {command}\b(.*)$", text.partition("Examples:")[2], flags=re.M):
        overrides = [word for word in shlex.split(line) if not word.startswith("-")]
        single = [re.sub(r"=(\w+)(,\w+)+$", r"=\1", word) for word in overrides]
        with initialize_config_dir(str(CONF), version_base="1.3"):
            compose(name, single)
