"""Process a list in worker processes that end together with their parent, with progress bars."""

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

MIN_FILES = 2000
"""Number of files up to which worker processes cost more time than they save."""
_POLL_SECONDS = 0.5
"""Interval at which the parent reads the progress of its workers."""
_counter: Any = None
"""Function that :func:`count` calls in this process; set while tasks run."""


def run_all(
    task: Callable[[Settings, Item], Result],
    settings: Settings,
    items: Sequence[Item],
    *,
    num_workers: int | None,
    progress: Callable[[int], Any] | None = None,
) -> Generator[Result, None, None]:
    """Yield ``task(settings, item)`` for every item in order of completion.

    Close the generator if it is not read to its end. Workers are stopped at once when it is closed or a task raises.

    Args:
        num_workers: processes; None is one per core. With 1, the tasks run in this process, in order.
        progress: receives the numbers that tasks pass to :func:`count`.

    Raises ``InputError`` if a worker process is killed.
    """
    num_workers = num_workers or os.cpu_count() or 1
    if num_workers == 1 or len(items) < 2:
        with _counting(progress):
            yield from (task(settings, item) for item in items)
        return
    context = get_context("forkserver")
    context.set_forkserver_preload([task.__module__])  # import once instead of once per worker
    # Nothing is sent through the pipe. It closes when this process closes it or is killed, and workers then exit.
    worker_end, parent_end = context.Pipe(duplex=False)
    counter = context.Value("q", 0)
    pool = ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=_start_worker, initargs=(worker_end, counter)
    )
    try:
        jobs = [pool.submit(task, settings, item) for item in items]
        for job in _as_completed(jobs, counter, progress):
            yield job.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process was killed, possibly for lack of memory. Use fewer processes: data.prepare.num_workers=1"
        ) from error
    finally:
        parent_end.close()
        pool.shutdown(cancel_futures=True)


def data_loader_context(num_workers: int) -> str | None:
    """Return the start method for the workers of a ``DataLoader``.

    On Linux workers are forked, as torch did before Python 3.14 changed the default: they start at once and share the
    data set, while a new process takes seconds to import torch.
    """
    return "fork" if num_workers and sys.platform == "linux" else None


def num_workers_for(num_files: int, num_workers: int | None) -> int | None:
    """Return 1 for a few files, which are processed faster without workers, otherwise ``num_workers``."""
    return 1 if num_files <= MIN_FILES else num_workers


def count(number: int) -> None:
    """Add to the progress of :func:`run_all`; called by tasks."""
    if _counter is not None:
        _counter(number)


def frame_progress(description: str, *, total: int, done: int) -> tqdm:
    """Return a progress bar in frames; it refreshes every 10 s if the output is a log file."""
    interval = 0.1 if sys.stderr.isatty() else 10
    return tqdm(
        total=total, initial=done, desc=description, unit=" frames", mininterval=interval, disable=done == total
    )


class HalfFrameProgress:
    """Progress in half frames on a bar of frames."""

    def __init__(self, bar: tqdm) -> None:
        self.bar = bar
        self._initial, self._halves = bar.n, 0

    def update(self, halves: int) -> None:
        """Add half frames."""
        self._halves += halves
        self.bar.update(self._initial + self._halves // 2 - self.bar.n)


@contextmanager
def _counting(progress: Callable[[int], Any] | None) -> Iterator[None]:
    """Pass the numbers of :func:`count` to ``progress``."""
    global _counter
    _counter = progress
    try:
        yield
    finally:
        _counter = None


def _as_completed(
    jobs: Sequence[Future[Result]], counter: Any, progress: Callable[[int], Any] | None
) -> Iterator[Future[Result]]:
    """Yield jobs in order of completion and report the progress of the workers meanwhile."""
    reported, waiting = 0, set(jobs)
    while waiting:
        done, waiting = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        if progress is not None and counter.value > reported:
            progress(counter.value - reported)
            reported = counter.value
        yield from done


def _start_worker(pipe: Connection, counter: Any) -> None:
    """Initialize a worker: ignore Ctrl-C, exit with the parent and use a single thread."""

    def count_up(number: int) -> None:
        with counter.get_lock():
            counter.value += number

    global _counter
    _counter = count_up
    threadpool_limits(1)
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, args=(pipe,), daemon=True).start()


def _exit_with_parent(pipe: Connection) -> None:
    pipe.poll(None)
    os._exit(1)
