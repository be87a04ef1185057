"""Conversion of SIGINT and SIGTERM into an exception."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """Exception raised at SIGINT or SIGTERM.

    It is not an ``Exception``, so that only the entry point catches it. Callers may extend ``message``.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.message = f"stopped by {signal.Signals(signum).name}"


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise :class:`Interrupted` at the first SIGINT or SIGTERM; a second signal ends the process immediately.

    Outside the main thread, where Python accepts no signal handlers, the context does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    received: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
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
