"""Ray, started and stopped: quiet, without a dashboard, and without reports of its use to its maker."""

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
def running_ray(**settings: Any) -> Iterator[Any]:
    """The package ``ray``, on the cluster of ``RAY_ADDRESS``, else on this machine and gone at the end.

    Where this process runs Ray already, it is used and left as it is.

    Parameters
    ----------
    settings: of ``ray.init``, for this machine alone.

    Raises ``InputError`` where Ray is not installed, or there is no such cluster.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before the import, as it is read there
    address = os.environ.get("RAY_ADDRESS")
    if not address:  # a cluster that does not answer is waited for: what Ray says of that must be seen
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of what its own library does
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError("--engine ray needs Ray: pip install 'mdhr[ray-data]', or take --engine plain") from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if ray.is_initialized():
        yield ray
        return
    where = {"address": "auto"} if address else {"address": "local", "include_dashboard": False, **settings}
    with _signals_as_they_are(), nullcontext() if address else _no_stderr():
        try:
            ray.init(**where, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            where_to = f"the cluster of RAY_ADDRESS={address}" if address else "Ray on this machine"
            why = next(iter(str(error).splitlines()), type(error).__name__)
            hint = "; is it up, and the token that it asks for in RAY_AUTH_TOKEN?" if address else ""
            raise InputError(f"cannot start on {where_to}: {why}{hint}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Ray's library says on the file descriptor itself which level its messages have; its errors are raised besides."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _signals_as_they_are() -> Iterator[None]:
    """Ray takes SIGTERM for itself when it starts; it is given back to whom it belonged."""
    mine = threading.current_thread() is threading.main_thread()
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            if mine:
                signal.signal(signum, handler)
