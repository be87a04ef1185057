"""Where the package meets its user: one line for a wrong input, one for a signal, an exit status for both.

A job of a multirun that fails says why in one line, too, and leaves the others alone: it returns a :class:`FailedJob`,
and ``hydra_plugins.every_job`` ends the multirun with the names of all that failed.
"""

import errno
import functools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, OmegaConfBaseException

from mdhr.errors import DivergedError, IncompleteError, InputError

CONF = Path(__file__).resolve().parents[3] / "conf"
_ENVIRONMENT_FAILURES = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT}


class Interrupted(BaseException):
    """SIGINT or SIGTERM has come. Not an ``Exception``: nobody but the entry point may catch it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.message = f"stopped by {signal.Signals(signum).name}"


@dataclass(frozen=True)
class FailedJob:
    """What a job of a multirun returns that failed, after it has said why. Goes from process to process."""

    folder: str


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise :class:`Interrupted` at the first SIGINT or SIGTERM; a second one ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    received: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        received.append(signum)
        for each in previous:
            signal.signal(each, signal.SIG_DFL)
        raise Interrupted(signum)

    for signum in previous:
        signal.signal(signum, stop)
    try:
        yield
    except Exception as error:  # a worker may die of the same signal first
        if received:
            raise Interrupted(received[0]) from error
        raise
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def run_hydra_command(command: str, task: Callable[[DictConfig], Any], arguments: Sequence[str]) -> int:
    """Run ``task(cfg)`` as a Hydra program and return its exit status.

    The configuration is ``conf/<command>.yaml``. Status: 2 for invalid input, 1 for diverged training, 3 if jobs of a
    multirun failed, 128 + number for a signal, which ends the complete multirun; an integer that the task returns.
    """

    @functools.wraps(task)
    def in_hydra(cfg: DictConfig) -> Any:
        if "run_dir" in cfg:  # a job of a multirun has its own folder
            cfg.run_dir = os.path.relpath(HydraConfig.get().runtime.output_dir)
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return _job(task, cfg)
        with one_line_errors():  # here, or Hydra adds a line of its own
            result = task(cfg)
        status.append(result if isinstance(result, int) else 0)
        return result

    status: list[int] = []
    config_name = command.replace("-", "_")
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises its errors instead of printing them
    sys.argv = [f"mdhr {command}", *arguments]
    with one_line_errors(), stop_on_signals():
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(in_hydra)()
    return status[0] if status else 0


@contextmanager
def resumable() -> Iterator[None]:
    """Handle signals as :func:`stop_on_signals`, and add to the message that the same command resumes."""
    try:
        with stop_on_signals():
            yield
    except Interrupted as stop:
        stop.message = f"stopped by {signal.Signals(stop.signum).name}; the same command resumes"
        raise


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print what the user can mend as one line and exit; let everything else through with its traceback."""
    try:
        yield
    except Interrupted as stop:
        _exit(128 + stop.signum, stop.message)
    except Exception as error:
        explained = explanation(error)
        if explained is None:
            raise
        _exit(*explained)


def explanation(error: Exception) -> tuple[int, str] | None:
    """Exit status and message for what the user can mend; None for everything else."""
    for cause in _chain(error):
        if isinstance(cause, InputError):
            return 2, _without_worker(str(cause))
        if isinstance(cause, DivergedError):
            return 1, str(cause)
        if isinstance(cause, IncompleteError):
            return 3, str(cause)
        if isinstance(cause, OSError) and cause.errno in _ENVIRONMENT_FAILURES:
            return 2, f"cannot write or read {cause.filename or 'a file'}: {cause.strerror}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        return 2, composition_message(error)
    return None


def composition_message(error: Exception) -> str:
    """One line for a configuration that cannot be put together, with the nearest names that exist."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, wanted = error.missing_cfg_file.rpartition("/")
        return f"there is no {group}={wanted}: choose one of {', '.join(error.options)}"
    cause = error.__cause__
    if isinstance(cause, ConfigAttributeError) and cause.full_key and cause.parent_node is not None:
        parent, _, key = cause.full_key.rpartition(".")
        known = [str(name) for name in cause.parent_node]  # type: ignore[attr-defined]
        return f"there is no setting {cause.full_key}{suggestion(key, known, prefix=f'{parent}.' if parent else '')}"
    return " ".join(str(error).split())


def suggestion(name: str, known: list[str], *, prefix: str = "") -> str:
    """``: did you mean a, b?``, or all there is when nothing is near."""
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f": did you mean {' or '.join(prefix + other for other in near)}?"
    return f": choose from {', '.join(prefix + other for other in known)}"


def _job(task: Callable[[DictConfig], Any], cfg: DictConfig) -> Any:
    """What the task returns, or a :class:`FailedJob`."""
    folder = os.path.relpath(HydraConfig.get().runtime.output_dir)
    try:
        return task(cfg)
    except Exception as error:
        explained = explanation(error)
        if explained is None:
            traceback.print_exc()
            explained = 1, f"{type(error).__name__}, see above"
        _say(f"{folder}: {explained[1]}")
        return FailedJob(folder)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _without_worker(message: str) -> str:
    """A DataLoader worker's error arrives as a whole traceback; its last line is ours."""
    return message.rstrip().rpartition(f"{InputError.__module__}.{InputError.__qualname__}: ")[2]


def _exit(status: int, message: str) -> NoReturn:
    _say(message)
    raise SystemExit(status)


def _say(message: str) -> None:
    if os.environ.get("LOCAL_RANK", "0") == "0":
        print(message, file=sys.stderr, flush=True)
