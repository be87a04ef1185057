"""What a folder of results has to remember between two starts: with which settings it was begun, and the time spent."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import yaml
from omegaconf import DictConfig, OmegaConf

from mdhr.config.validation import constructor_defaults
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.training.run_record import FILE

SETTINGS = "settings.yaml"
SECONDS = "seconds.json"
_LABELS = ("name", "group", "run_dir", "ckpt_path", "overwrite", "folds", "paper_row", "logger")
_DISPLAYS = ("progress", "table", "wandb")
_PREPARATION = ("root", "release", "detector", "prepare")  # the prepared form remembers how it was made
_COPIES = ("frames",)  # the same pixels, read from elsewhere
_WITHOUT_RESULT = ("num_workers", ".recompute")
"""Where a run may go on with others: time and memory."""


def run_state(cfg: DictConfig) -> Literal["new", "begun", "done"]:
    """Whether ``cfg.run_dir`` holds no run, one that can go on from its last checkpoint, or a finished one.

    A run that is to be overwritten does not count.

    Raises ``InputError`` where it was begun with settings that lead to other results. Where training never started
    there is no run, so that settings which could not work can be mended.
    """
    folder = Path(cfg.run_dir)
    done = (folder / FILE).is_file()
    if cfg.overwrite or not (done or Path(cfg.callbacks.last.path).is_file()):
        return "new"
    check_settings(folder, result_affecting_config(cfg))
    return "done" if done else "begun"


def result_affecting_config(cfg: DictConfig) -> dict[str, Any]:
    """The settings that decide what a run leads to, the same wherever its folder is and however it is watched."""
    here = OmegaConf.merge(cfg, {"run_dir": "."})
    settings: dict[str, Any] = OmegaConf.to_container(here, resolve=True)  # type: ignore[assignment]
    data = settings["data"]
    nodes = (settings, settings["callbacks"], data, data["module"])
    for node, keys in zip(nodes, (_LABELS, _DISPLAYS, _PREPARATION, _COPIES), strict=True):
        for key in keys:
            node.pop(key, None)
    return settings


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Remember the settings, whatever was remembered before."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / SETTINGS, yaml.safe_dump(dict(settings), sort_keys=False))


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Raise ``InputError`` where the folder was begun with others, but for those that change no result.

    A setting that there was not yet when the run was begun had the default of its constructor then.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise InputError(f"{folder} holds a run but no {SETTINGS}: say name=... to begin another, or remove the folder")
    now = dict(flat(settings))
    defaults = {key: value for key, value in constructor_defaults(settings) if key in now}
    begun = {**defaults, **dict(flat(yaml.safe_load(path.read_text())))}
    other = [key for key in [*now, *begun] if begun.get(key) != now.get(key) and not key.endswith(_WITHOUT_RESULT)]
    if other:
        key = min(other, key=lambda key: key.count("."))  # where it was said; nodes within nodes repeat it
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
            write_text(folder / SECONDS, json.dumps(seconds))


def read_seconds(folder: Path) -> dict[str, float]:
    """Seconds by name; empty where nothing was measured."""
    path = folder / SECONDS
    return json.loads(path.read_text()) if path.is_file() else {}
