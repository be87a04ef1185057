"""Work through a list in several processes that end with the one that started them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

from mdhr.errors import InputError

Settings = TypeVar("Settings")
Item = TypeVar("Item")
Result = TypeVar("Result")


def run_all(
    task: Callable[[Settings, Item], Result], settings: Settings, items: Sequence[Item], *, num_workers: int | None
) -> Iterator[Result]:
    """Yield ``task(settings, item)`` of every item as they get ready; with one worker in this process, in order.

    Once the caller stops, fails or is interrupted, what was begun is finished and nothing more is begun.
    """
    num_workers = num_workers or os.cpu_count() or 1
    if num_workers == 1:
        yield from (task(settings, item) for item in items)
        return
    context = get_context("forkserver")
    context.set_forkserver_preload([task.__module__])  # import once, not once per worker
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker)
    try:
        for job in as_completed([pool.submit(task, settings, item) for item in items]):
            yield job.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a rendering process was killed, perhaps for lack of memory: use fewer with data.prepare.num_workers=1"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
