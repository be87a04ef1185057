"""Prefetching of the items of an iterator in a background thread."""

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


def prefetch(items: Iterator[Item], *, depth: int) -> Generator[Item, None, None]:
    """Yield the items of an iterator that runs in a thread, up to ``depth`` items in advance.

    Exceptions of the iterator are raised after the items before them. Call ``close`` on the generator if it is not
    exhausted, to end the thread.
    """
    ready: Queue[tuple[Any, BaseException | None]] = Queue(maxsize=depth)
    closed = Event()

    def put(item: Any, error: BaseException | None = None) -> bool:
        """Return whether the item was queued before the generator was closed."""
        while not closed.is_set():
            try:
                ready.put((item, error), timeout=0.1)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as error:
            put(_END, error)
        else:
            put(_END)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        closed.set()
        thread.join()
