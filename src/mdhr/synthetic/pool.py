"""Work through a list in several processes that end with the one that started them."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mdhr.errors import InputError

Settings = TypeVar("Settings")
Item = TypeVar("Item")
Result = TypeVar("Result")


def run_all(
    task: Callable[[Settings, Item], Result], settings: Settings, items: Sequence[Item], *, num_workers: int | None
) -> Generator[Result, None, None]:
    """Yield ``task(settings, item)`` of every item as they get ready; with one worker in this process, in order.

    Close it when it is not read to its end. Then, and when anything fails, the workers stop in the middle of what
    they do.
    """
    num_workers = num_workers or os.cpu_count() or 1
    if num_workers == 1:
        yield from (task(settings, item) for item in items)
        return
    context = get_context("forkserver")
    context.set_forkserver_preload([task.__module__])  # import once, not once per worker
    # Nothing is ever sent: the workers' end of the pipe ends when ours is closed or when we are killed.
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker, initargs=(theirs,))
    try:
        for job in as_completed([pool.submit(task, settings, item) for item in items]):
            yield job.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise InputError(
            "a rendering process was killed, perhaps for lack of memory: use fewer with data.prepare.num_workers=1"
        ) from error
    finally:
        ours.close()
        pool.shutdown(cancel_futures=True)


def frame_progress(what: str, *, total: int, done: int) -> tqdm:
    """A bar with frames a second; in a log file a line now and then."""
    every = 0.1 if sys.stderr.isatty() else 10
    return tqdm(total=total, initial=done, desc=what, unit=" frames", mininterval=every, disable=done == total)


def _start_worker(pipe: Connection) -> None:
    """Leave Ctrl-C to the parent, stop when it does, and keep to one core: threads of several workers collide."""
    threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_stop_with, args=(pipe,), daemon=True).start()


def _stop_with(pipe: Connection) -> None:
    pipe.poll(None)
    os._exit(1)
