"""Conversion of SIGINT, SIGTERM and SIGUSR1 into an exception."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from mdhr.config.processes import is_first_process, was_started_by_first_process

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Signals that end a command. Slurm is usually asked to send SIGUSR1 before the time limit of a job."""


class Interrupted(BaseException):
    """Exception raised at one of :data:`STOP_SIGNALS`.

    It is not an ``Exception``, so that only the entry point catches it. Callers may extend ``message``.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.message = f"stopped by {signal.Signals(signum).name}"


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise :class:`Interrupted` at the first of :data:`STOP_SIGNALS`; a second signal ends the process immediately.

    Outside the main thread, where Python accepts no signal handlers, the context does nothing. A process that the first
    process of a distributed run has started ignores the signals: if it ended first, Lightning would kill the others.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {signum: signal.getsignal(signum) for signum in STOP_SIGNALS}
    received: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        if was_started_by_first_process():
            return
        received.append(signum)
        for other in previous:
            signal.signal(other, signal.SIG_DFL)
        raise Interrupted(signum)

    for signum in previous:
        signal.signal(signum, stop)
    try:
        yield
    except Exception as error:  # a DataLoader worker may die of the same signal first
        if received:
            raise Interrupted(received[0]) from error
        raise
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


@contextmanager
def resumable() -> Iterator[None]:
    """Handle signals as :func:`stop_on_signals` and add to the message that the same command resumes."""
    try:
        with stop_on_signals():
            yield
    except Interrupted as stop:
        stop.message += "; the same command resumes"
        raise


@contextmanager
def exit_deadline(seconds: float, explain: Callable[[int], str]) -> Iterator[None]:
    """End the process if the block still runs ``seconds`` after one of :data:`STOP_SIGNALS`.

    Python runs signal handlers in the main thread, but not while it is blocked in a rendezvous or in a collective
    operation of distributed training. A thread waits for the signal here.

    Args:
        explain: returns the message that the first process prints, given the number of the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    ended = threading.Event()

    def watch() -> None:
        with open(reading, "rb", buffering=0) as pipe:
            while number := pipe.read(1):  # empty when the block has ended
                if number[0] in STOP_SIGNALS and not ended.wait(seconds):
                    if is_first_process():
                        print(explain(number[0]), file=sys.stderr, flush=True)
                    os._exit(128 + number[0])

    previous = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(previous)
        os.close(writing)


def _leave_signals_to_parent() -> None:
    """Keep the signals of a forked DataLoader worker out of the pipe of :func:`exit_deadline`."""
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_leave_signals_to_parent)
