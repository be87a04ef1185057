"""Work that is done ahead of whoever needs it, in a thread."""

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


def ahead(items: Iterator[Item], *, depth: int) -> Generator[Item, None, None]:
    """The same items, made by a thread up to ``depth`` of them ahead; what goes wrong there is raised here.

    Close it where it is not read to its end: the thread ends with it.
    """
    ready: Queue[tuple[Any, BaseException | None]] = Queue(maxsize=depth)
    closed = Event()

    def hand_over(item: Any, error: BaseException | None = None) -> bool:
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
                if not hand_over(item):
                    return
        except BaseException as error:
            hand_over(_END, error)
        else:
            hand_over(_END)

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
