"""Start and shutdown of Ray, without dashboard, usage statistics and log lines."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from mdhr.errors import InputError


@contextmanager
def ray_session(**settings: Any) -> Iterator[Any]:
    """Connect to the cluster at ``RAY_ADDRESS``, or start Ray on this machine, and provide the package ``ray``.

    Ray is shut down at the end, unless this process had already initialized it.

    Args:
        settings: arguments of ``ray.init`` for Ray on this machine.

    Raises ``InputError`` if Ray is not installed or cannot be started.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is imported
    address = os.environ.get("RAY_ADDRESS")
    if not address:  # with a cluster, the log explains a long wait for the connection
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError("--engine ray needs Ray: pip install 'mdhr[ray-data]', or pass --engine plain") from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if ray.is_initialized():
        yield ray
        return
    options = {"address": "auto"} if address else {"address": "local", "include_dashboard": False, **settings}
    with _restored_signal_handlers(), nullcontext() if address else _suppressed_stderr():
        try:
            ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            if address:
                raise InputError(
                    f"cannot connect to the Ray cluster at RAY_ADDRESS={address}: {reason}. "
                    "Check that it is running and that RAY_AUTH_TOKEN contains its token, if it requires one."
                ) from error
            raise InputError(f"cannot start Ray on this machine: {reason}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _suppressed_stderr() -> Iterator[None]:
    """Suppress what Ray's C++ library writes to the file descriptor of stderr; its errors are raised as well."""
    sys.stderr.flush()
    stderr, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


@contextmanager
def _restored_signal_handlers() -> Iterator[None]:
    """Restore the signal handlers at the end, because Ray replaces the one of SIGTERM when it starts."""
    is_main_thread = threading.current_thread() is threading.main_thread()
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in handlers.items():
            if is_main_thread:
                signal.signal(signum, handler)
