"""Background task with progress, for work that takes longer than a page may block."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from threading import Thread
from typing import Generic, TypeVar

UPDATE_INTERVAL = 0.15
"""Seconds between two progress updates."""

ShareProgress = Callable[[float, str], object]
"""Called with the completed share of the work, 0 to 1, and a text."""
Result = TypeVar("Result")


class BackgroundTask(Generic[Result]):
    """Task that runs in a thread: iterate over the progress, then get the result.

    If the iteration is closed early, for example because the page was closed, the task is canceled at its next update.

    Args:
        task: called with a function that reports progress.
    """

    def __init__(self, task: Callable[[ShareProgress], Result]) -> None:
        self._latest, self._canceled = (0.0, "Loading the model"), False
        self._outcome: Future[Result] = Future()
        Thread(target=self._run, args=(task,), daemon=True).start()

    def __iter__(self) -> Iterator[tuple[float, str]]:
        """Yield share and text of the latest update until the task ends."""
        try:
            while not self._outcome.done():
                yield self._latest
                wait([self._outcome], timeout=UPDATE_INTERVAL)
        finally:
            self._canceled = True

    def result(self) -> Result:
        """Return what the task returned, or raise what it raised; ``CancelledError`` if it was canceled."""
        return self._outcome.result()

    def _run(self, task: Callable[[ShareProgress], Result]) -> None:
        try:
            self._outcome.set_result(task(self._report))
        except BaseException as error:
            self._outcome.set_exception(error)

    def _report(self, share: float, text: str) -> None:
        if self._canceled:
            raise CancelledError
        self._latest = share, text


class VideoProgress:
    """Converter from the frame counts of a predictor to a share of the work and frames per second.

    Args:
        expected: estimated number of frames, above 0.
        progress: called at most every ``UPDATE_INTERVAL`` seconds.
    """

    def __init__(self, expected: int, progress: ShareProgress) -> None:
        self.expected, self.progress = expected, progress
        self.completed = 0
        self.start = self.last_update = time.perf_counter()

    def __call__(self, frames: int) -> None:
        """Set the number of completed frames; smaller numbers than before are ignored."""
        self.completed = max(self.completed, frames)
        now = time.perf_counter()
        if now - self.last_update < UPDATE_INTERVAL:
            return
        self.last_update = now
        rate = self.completed / (now - self.start)
        share = min(self.completed / self.expected, 1.0)
        self.progress(share, f"Scoring action units: {self.completed} frames, {rate:.0f} frames/s")
