"""One-line error messages and exit statuses for errors that the user can fix."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from hydra.errors import HydraException, InstantiationException, MissingConfigException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from mdhr.config.processes import is_first_process
from mdhr.config.signals import Interrupted
from mdhr.errors import DivergedError, IncompleteError, InputError, suggestion

_ENVIRONMENT_FAILURES = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENAMETOOLONG,
}


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Exit with one line on stderr for errors that the user can fix; pass other errors on with their traceback."""
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
    """Return exit status and message for an error that the user can fix, None for any other error."""
    for cause in _causes(error):
        if isinstance(cause, InputError):
            return 2, _without_worker_traceback(str(cause))
        if isinstance(cause, DivergedError):
            return 1, str(cause)
        if isinstance(cause, IncompleteError):
            return 3, str(cause)
        if isinstance(cause, OSError) and cause.errno in _ENVIRONMENT_FAILURES:
            return 2, f"cannot write or read {cause.filename or 'a file'}: {cause.strerror}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        return 2, composition_message(error)
    if type(error).__name__ == "MisconfigurationException":  # of Lightning, whose import takes seconds
        return 2, " ".join(str(error).split())
    return None


def composition_message(error: Exception) -> str:
    """Return one line for a configuration that cannot be composed, with the closest existing names."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, wanted = error.missing_cfg_file.rpartition("/")
        return f"there is no {group}={wanted}: choose one of {', '.join(error.options)}"
    cause = error.__cause__
    if isinstance(cause, ConfigAttributeError | ConfigKeyError) and cause.full_key and cause.parent_node is not None:
        parent, _, key = cause.full_key.rpartition(".")
        known = [str(name) for name in cause.parent_node]  # type: ignore[attr-defined]
        return f"there is no setting {cause.full_key}{suggestion(key, known, prefix=f'{parent}.' if parent else '')}"
    text = " ".join(str(error).split())
    if isinstance(error, InstantiationException) and cause is not None and "full_key: " in text:
        return f"{text.rpartition('full_key: ')[2]}: {' '.join(str(cause).split())}"
    return text


def print_error(message: str) -> None:
    """Print a message on stderr, in distributed training from the first process only."""
    if is_first_process():
        print(message, file=sys.stderr, flush=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _without_worker_traceback(message: str) -> str:
    """Return the last line of an error from a DataLoader worker, whose message is a complete traceback."""
    return message.rstrip().rpartition(f"{InputError.__module__}.{InputError.__qualname__}: ")[2]


def _exit(status: int, message: str) -> NoReturn:
    print_error(message)
    raise SystemExit(status)
