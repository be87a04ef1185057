"""Where the package meets its user: one line for a wrong input, one for a signal, an exit status for both."""

import errno
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, OmegaConfBaseException

from mdhr.errors import DivergedError, InputError

CONF = Path(__file__).resolve().parents[2] / "conf"
_ENVIRONMENT_FAILURES = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT}


class Interrupted(BaseException):
    """SIGINT or SIGTERM has come. Not an ``Exception``: nobody but the entry point may catch it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.message = f"stopped by {signal.Signals(signum).name}"


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


def entry_point(config_name: str) -> Callable[[Callable[[DictConfig], Any]], Callable[[], Any]]:
    """Make ``task(cfg)`` a Hydra program for ``conf/<config_name>.yaml`` whose failures are one line.

    Exit status: 2 for a wrong input, 1 for training that diverged, 128 + number for a signal.
    """

    def decorate(task: Callable[[DictConfig], Any]) -> Callable[[], Any]:
        @functools.wraps(task)
        def in_hydra(cfg: DictConfig) -> Any:
            if "run_dir" in cfg:  # a job of a multirun has its own folder
                cfg.run_dir = os.path.relpath(HydraConfig.get().runtime.output_dir)
            with one_line_errors():
                return task(cfg)

        def main() -> Any:
            os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # hand us its errors instead of printing them
            with one_line_errors():
                return hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(in_hydra)()

        return main

    return decorate


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print what the user can mend as one line and exit; let everything else through with its traceback."""
    try:
        yield
    except Interrupted as stop:
        _exit(128 + stop.signum, stop.message)
    except Exception as error:
        for cause in _chain(error):
            if isinstance(cause, InputError):
                _exit(2, _without_worker(str(cause)))
            if isinstance(cause, DivergedError):
                _exit(1, str(cause))
            if isinstance(cause, OSError) and cause.errno in _ENVIRONMENT_FAILURES:
                _exit(2, f"cannot write or read {cause.filename or 'a file'}: {cause.strerror}")
        if isinstance(error, HydraException | OmegaConfBaseException):
            _exit(2, composition_message(error))
        raise


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
    if os.environ.get("LOCAL_RANK", "0") == "0":
        print(message, file=sys.stderr, flush=True)
    raise SystemExit(status)
