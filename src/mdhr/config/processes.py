"""Processes of a distributed run."""

import os
import threading
import time

_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
"""Variables of torchrun, Lightning and Slurm; all of them are 0 in the first process."""
_FIRST_PROCESS = "MDHR_FIRST_PROCESS"
_POLL_SECONDS = 0.5


def is_first_process() -> bool:
    """Return whether this is the first of the processes that train together; works before Lightning starts them."""
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def was_started_by_first_process() -> bool:
    """Return whether Lightning started this process from the first one, which then also ends it."""
    return _FIRST_PROCESS in os.environ and not is_first_process()


def end_with_first_process() -> None:
    """End this process soon after the first process has ended, even if it was killed.

    Only for processes that Lightning starts from the first one. They would wait half an hour for its rendezvous.
    """
    if is_first_process():
        os.environ[_FIRST_PROCESS] = str(os.getpid())
    elif was_started_by_first_process():
        threading.Thread(target=_exit_without, args=(int(os.environ[_FIRST_PROCESS]),), daemon=True).start()


def _exit_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)
