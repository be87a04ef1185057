"""Commands in processes of their own that are killed or whose file operations fail.

Importing the package takes seconds. :class:`CommandServer` is therefore a process that imports it once and forks a
process for every command.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from errno import ENOSPC
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

PRELOADED = (
    "cv2",
    "matplotlib.backends.backend_agg",
    "torch._dynamo",
    "torchmetrics",
    "mdhr.inference.batch_prediction",
    "mdhr.inference.card_callback",
    "mdhr.inference.export",
    "mdhr.inference.predictor",
    "mdhr.inference.video_job",
    "mdhr.network.mdhr",
    "mdhr.reporting.wandb_results.upload_callback",
    "mdhr.training.caching",
    "mdhr.training.evaluation",
    "mdhr.training.training_run",
)
TIMEOUT = 120.0
"""Seconds after which a command counts as hanging and is killed."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_OPERATIONS = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"})
_OUTPUTS, _COUNT = {"stdout": 1, "stderr": 2}, "operations"
_num_operations = 0
"""Number of file operations that :func:`on_operation` has seen in this process."""


class Outcome(NamedTuple):
    """End of a command."""

    status: int
    """Exit status, or the negative number of the signal that ended the process."""
    output: str
    errors: str
    seconds: float
    operations: int
    """Number of file operations that :class:`CountOperations` saw; 0 if the command was killed."""

    def assert_one_line(self, *names: object) -> None:
        """Fail unless the command ended with status 2, at most 3 lines, no traceback, and the names in its message."""
        lines = [line for line in self.errors.replace("\r", "\n").splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith(("wandb: ", "warning: ")) and "frames/s" not in line]
        assert self.status == 2, (self.status, self.errors)
        assert 1 <= len(lines) <= 3, self.errors
        assert "Traceback" not in self.errors + self.output, self.errors
        for name in names:
            assert str(name) in self.errors, (name, self.errors)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of ``mdhr``.

    Attributes:
        arguments: name of the command and its arguments.
        folder: working directory.
        fault: called in the process before the command.
        kill_after: seconds until SIGKILL; None lets the command end.
        environment: variables that are set, such as ``TMPDIR``.
    """

    arguments: Sequence[str]
    folder: Path
    fault: Callable[[], None] | None = None
    kill_after: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class CommandServer:
    """Process that imports the package once and runs commands in forks of itself."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._connection, end = context.Pipe()
        self._process = context.Process(target=_serve, args=(end,))
        self._process.start()
        end.close()

    def run(self, *commands: Command) -> list[Outcome]:
        """Run commands at the same time and return how they ended."""
        self._connection.send(commands)
        return self._connection.recv()

    def close(self) -> None:
        """End the process. It gets a message because a worker of a DataLoader may still hold our end of the pipe."""
        self._connection.send(None)
        self._connection.close()
        self._process.join()


@dataclass(frozen=True)
class CountOperations:
    """Count the operations that modify files in ``folders``."""

    folders: tuple[Path, ...]

    def __call__(self) -> None:
        on_operation(self.folders, lambda number, event, path: None)


@dataclass(frozen=True)
class KillAtOperation:
    """Kill the process ``delay`` seconds after it begins to modify files in ``folders`` for the n-th time, from 1."""

    folders: tuple[Path, ...]
    number: int
    delay: float

    def __call__(self) -> None:
        def kill(number: int, event: str, path: str) -> None:
            if number == self.number and self.delay:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process as SIGKILL does
                signal.setitimer(signal.ITIMER_REAL, self.delay)
            elif number == self.number:
                os.kill(os.getpid(), signal.SIGKILL)

        on_operation(self.folders, kill)


@dataclass(frozen=True)
class FullDisk:
    """From the n-th operation on, let the creation of files and folders in ``folders`` fail as on a full disk."""

    folders: tuple[Path, ...]
    number: int

    def __call__(self) -> None:
        def fail(number: int, event: str, path: str) -> None:
            if number >= self.number and event in ("open", "os.mkdir"):
                raise OSError(ENOSPC, os.strerror(ENOSPC), path)

        on_operation(self.folders, fail)


def on_operation(folders: Sequence[Path], act: Callable[[int, str, str], None]) -> None:
    """Call ``act(number, event, path)`` before every operation of this process that modifies files in ``folders``.

    Operations of libraries in C++ are not seen. ``act`` may raise, and the operation then fails with that error.
    """
    roots = tuple(os.path.realpath(folder) + os.sep for folder in folders)
    process = os.getpid()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        global _num_operations
        if event not in _OPERATIONS or os.getpid() != process:
            return
        if not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITING):
            return
        path = os.path.join(_base(event, arguments), os.fsdecode(arguments[0]))
        if (os.path.abspath(path) + os.sep).startswith(roots):
            _num_operations += 1
            act(_num_operations, event, path)

    sys.addaudithook(hook)


def _base(event: str, arguments: tuple[Any, ...]) -> str:
    """Return the folder that a relative path refers to; `shutil.rmtree` passes descriptors of folders."""
    position = {"os.mkdir": 2, "os.rename": 2, "os.remove": 1, "os.rmdir": 1}.get(event)
    if position is not None and isinstance(arguments[position], int) and arguments[position] >= 0:
        return os.readlink(f"/proc/self/fd/{arguments[position]}")
    return os.getcwd()


def _serve(connection: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    for name in PRELOADED:
        import_module(name)
    while True:
        try:
            commands = connection.recv()
        except EOFError:
            return
        if commands is None:
            return
        connection.send(_run_all(commands))


def _run_all(commands: Sequence[Command]) -> list[Outcome]:
    """Run the commands in forks and wait for one after the other."""
    context = get_context("fork")
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in commands]
        processes = [context.Process(target=_run, args=each) for each in zip(commands, folders, strict=True)]
        started = time.perf_counter()
        for folder, process in zip(folders, processes, strict=True):
            for name in (*_OUTPUTS, _COUNT):
                (folder / name).touch()
            process.start()
        outcomes = []
        for command, folder, process in zip(commands, folders, processes, strict=True):
            process.join(max(0.0, started + (command.kill_after or TIMEOUT) - time.perf_counter()))
            process.kill()
            process.join()
            seconds = time.perf_counter() - started
            output, errors = ((folder / name).read_text(errors="replace") for name in _OUTPUTS)
            operations = int((folder / _COUNT).read_text() or 0)
            outcomes.append(Outcome(process.exitcode or 0, output, errors, seconds, operations))
        return outcomes


def _run(command: Command, folder: Path) -> None:
    """Run a command in this process, which was forked for it."""
    from mdhr.__main__ import main

    for name, descriptor in _OUTPUTS.items():
        os.dup2(os.open(folder / name, os.O_WRONLY), descriptor)
    os.chdir(command.folder)
    os.environ.update(command.environment)
    tempfile.tempdir = None  # read TMPDIR again
    if command.fault is not None:
        command.fault()
    status: object = 1
    try:
        status = main(command.arguments)
    finally:
        (folder / _COUNT).write_text(str(_num_operations))
    sys.exit(status)
