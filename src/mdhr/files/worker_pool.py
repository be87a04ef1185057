"""Work through a list in several processes that end with the one that started them."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import cv2
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mdhr.errors import InputError

Settings = TypeVar("Settings")
Item = TypeVar("Item")
Result = TypeVar("Result")

_counter: Any = None
"""In a worker: shared with the process that started it."""
LOOK = 0.5
"""Seconds between two looks at what the workers have counted."""


def run_all(
    task: Callable[[Settings, Item], Result],
    settings: Settings,
    items: Sequence[Item],
    *,
    num_workers: int | None,
    progress: Callable[[int], Any] | None = None,
) -> Generator[Result, None, None]:
    """Yield ``task(settings, item)`` of every item as they get ready; with one worker in this process, in order.

    ``progress`` is told what the tasks :func:`count` while they are at it. Close the generator when it is not read to
    its end. Then, and when anything fails, the workers stop in the middle of what they do.
    """
    num_workers = num_workers or os.cpu_count() or 1
    if num_workers == 1 or len(items) < 2:
        with _counting(progress):
            yield from (task(settings, item) for item in items)
        return
    context = get_context("forkserver")
    context.set_forkserver_preload([task.__module__])  # import once, not once per worker
    # Nothing is ever sent: the workers' end of the pipe ends when ours is closed or when we are killed.
    theirs, ours = context.Pipe(duplex=False)
    counter = context.Value("q", 0)
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker, initargs=(theirs, counter))
    try:
        jobs = [pool.submit(task, settings, item) for item in items]
        for job in _as_completed(jobs, counter, progress):
            yield job.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process was killed, perhaps for lack of memory: use fewer with data.prepare.num_workers=1"
        ) from error
    finally:
        ours.close()
        pool.shutdown(cancel_futures=True)


def count(number: int) -> None:
    """Called by a task: so much more is done."""
    if _counter is not None:
        _counter(number)


def frame_progress(what: str, *, total: int, done: int) -> tqdm:
    """A bar with frames a second; in a log file a line now and then."""
    every = 0.1 if sys.stderr.isatty() else 10
    return tqdm(total=total, initial=done, desc=what, unit=" frames", mininterval=every, disable=done == total)


class HalfFrames:
    """Moves a bar of frames by half a frame at a time."""

    def __init__(self, bar: tqdm) -> None:
        self.bar = bar
        self._begun, self._halves = bar.n, 0

    def update(self, halves: int) -> None:
        """So many halves are done."""
        self._halves += halves
        self.bar.update(self._begun + self._halves // 2 - self.bar.n)


@contextmanager
def _counting(into: Callable[[int], Any] | None) -> Iterator[None]:
    global _counter
    _counter = into
    try:
        yield
    finally:
        _counter = None


def _as_completed(
    jobs: Sequence[Future[Result]], counter: Any, progress: Callable[[int], Any] | None
) -> Iterator[Future[Result]]:
    """As the function of that name, and hands on what the workers have counted meanwhile."""
    told, waiting = 0, set(jobs)
    while waiting:
        done, waiting = wait(waiting, timeout=LOOK, return_when=FIRST_COMPLETED)
        if progress is not None and counter.value > told:
            progress(counter.value - told)
            told = counter.value
        yield from done


def _start_worker(pipe: Connection, counter: Any) -> None:
    """Leave Ctrl-C to the parent, stop when it does, and keep to one core: threads of several workers collide."""

    def count_up(number: int) -> None:
        with counter.get_lock():
            counter.value += number

    global _counter
    _counter = count_up
    threadpool_limits(1)
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_stop_with, args=(pipe,), daemon=True).start()


def _stop_with(pipe: Connection) -> None:
    pipe.poll(None)
    os._exit(1)
