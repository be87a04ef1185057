"""What a folder of results has to remember between two starts: with which settings it was begun, and the time spent."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from mdhr.data.manifest import replace_file
from mdhr.errors import InputError

SETTINGS = "settings.yaml"
SECONDS = "seconds.json"


def keep_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings into a new folder; raise ``InputError`` where the folder was begun with others."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SETTINGS
    if not path.is_file():
        replace_file(path, yaml.safe_dump(dict(settings)).encode())
        return
    begun, now = dict(flat(yaml.safe_load(path.read_text()))), dict(flat(settings))
    for key in [*now, *begun]:
        if begun.get(key) != now.get(key):
            raise InputError(
                f"{folder} was begun with {key}={begun.get(key)}, not {now.get(key)}: "
                "say name=... to begin another run, or remove the folder"
            )


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of all settings and their values."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@contextmanager
def stopwatch(folder: Path, what: str) -> Iterator[None]:
    """Add the time spent inside, however it ends, to what ``folder`` remembers under that name."""
    started = time.perf_counter()
    try:
        yield
    finally:
        if folder.is_dir():
            seconds = read_seconds(folder)
            seconds[what] = seconds.get(what, 0.0) + time.perf_counter() - started
            replace_file(folder / SECONDS, json.dumps(seconds).encode())


def read_seconds(folder: Path) -> dict[str, float]:
    """Seconds by name; empty where nothing was measured."""
    path = folder / SECONDS
    return json.loads(path.read_text()) if path.is_file() else {}
