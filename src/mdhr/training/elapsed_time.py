"""Time spent on a folder of results, summed over interruptions."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mdhr.files.atomic import write_text

SECONDS_FILE = "seconds.json"


@contextmanager
def stopwatch(folder: Path, activity: str) -> Iterator[None]:
    """Add the duration of the block to ``seconds.json`` in ``folder``, also if the block raises.

    Nothing is written if the folder does not exist at the end of the block.
    """
    started = time.perf_counter()
    try:
        yield
    finally:
        if folder.is_dir():
            seconds = read_seconds(folder)
            seconds[activity] = seconds.get(activity, 0.0) + time.perf_counter() - started
            write_text(folder / SECONDS_FILE, json.dumps(seconds))


def read_seconds(folder: Path) -> dict[str, float]:
    """Return the seconds by activity; empty if nothing was measured."""
    path = folder / SECONDS_FILE
    return json.loads(path.read_text()) if path.is_file() else {}
