"""State of a run folder: whether its run is new, incomplete or complete, and the settings it was started with.

A run is identified by the settings that affect its results, which ``settings.yaml`` contains. A folder is never
continued with other settings. The results themselves are in :mod:`mdhr.training.run_record`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from omegaconf import DictConfig, OmegaConf

from mdhr.config.precision import trainer_precision
from mdhr.data.datamodule import FaceVideoData
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.json_files import read_json
from mdhr.files.yaml_files import read_yaml
from mdhr.training.run_record import EVALUATION_FILE, METRICS_FILE, is_complete

State = Literal["new", "incomplete", "complete"]
SETTINGS_FILE = "settings.yaml"
SUBJECTS_FILE = "subjects.json"
_NO_RESULT = {
    "": ("name", "group", "run_dir", "ckpt_path", "overwrite", "folds", "paper_row", "logger"),
    "callbacks": ("progress", "metrics", "wandb", "model_card"),
    "data": ("root", "release", "detector", "prepare"),  # the prepared data set records how it was made
    "data.module": ("frames",),  # a cache of the same pixels
}
"""Settings that do not affect the results of a run, by the node that contains them; not part of ``settings.yaml``."""
STARTED_FROM = "started_from"
"""Entry of ``settings.yaml``: checkpoint of another run whose training this run continues."""
_MAY_CHANGE = ("num_workers", ".log_every_n_steps", ".activation_checkpointing", STARTED_FROM)
"""Endings of settings that may change when a run resumes."""


def run_state(cfg: DictConfig) -> State:
    """Return the state of the run in ``cfg.run_dir``; a run that ``cfg.overwrite`` replaces is new.

    Raises ``InputError`` if the run was started with other settings, or if the folder contains an evaluation.
    """
    state = stored_state(cfg)
    if cfg.overwrite or state == "new":
        return "new"
    check_same_settings(Path(cfg.run_dir), result_affecting_config(cfg))
    return state


def stored_state(cfg: DictConfig) -> State:
    """Return the state of the run in ``cfg.run_dir``, whatever its settings. A folder without a checkpoint is new.

    Raises ``InputError`` if the folder contains an evaluation.
    """
    folder = Path(cfg.run_dir)
    if is_evaluation(folder):
        raise InputError(f"{folder} contains the results of mdhr evaluate. Pass name=... to train in another folder.")
    if is_complete(folder):
        return "complete"
    return "incomplete" if Path(cfg.callbacks.last.path).is_file() else "new"


def is_evaluation(folder: Path) -> bool:
    """Return whether a folder contains the results of ``mdhr evaluate``."""
    has_metrics, has_settings = ((folder / name).is_file() for name in (METRICS_FILE, SETTINGS_FILE))
    return (folder / EVALUATION_FILE).is_file() or (has_metrics and not has_settings)


def result_affecting_config(cfg: DictConfig) -> dict[str, Any]:
    """Return the resolved settings that affect the results, independent of the run's folder, logging and display."""
    relative = OmegaConf.merge(cfg, {"run_dir": "."})
    settings: dict[str, Any] = OmegaConf.to_container(relative, resolve=True)  # type: ignore[assignment]
    for path, keys in _NO_RESULT.items():
        node = settings
        for part in filter(None, path.split(".")):
            node = node[part]
        for key in keys:
            node.pop(key, None)
    settings["trainer"]["precision"] = trainer_precision(settings["trainer"])
    return settings


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write ``settings.yaml``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / SETTINGS_FILE, yaml.safe_dump(dict(settings), sort_keys=False))


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the content of ``settings.yaml``; raises ``InputError`` if there is none or it cannot be parsed."""
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise InputError(f"{folder} is not a run folder: it has no {SETTINGS_FILE}. Pass a folder such as runs/demo.")
    settings = read_yaml(path)
    if not isinstance(settings, dict):
        raise InputError(f"{path} is not a mapping of settings.")
    return settings


def check_same_settings(folder: Path, settings: Mapping[str, Any], *, setting: str = "name") -> None:
    """Raise ``InputError`` unless the run in ``folder`` was started with settings that lead to the same results.

    ``setting`` selects the folder, for the error message.
    """
    if not (folder / SETTINGS_FILE).is_file():
        raise InputError(
            f"{folder} contains a run without {SETTINGS_FILE}. Pass {setting}=... to start a new run, or delete the folder."
        )
    now, started = dict(flatten_settings(settings)), dict(flatten_settings(read_settings(folder)))
    different = [key for key in [*now, *started] if started.get(key) != now.get(key) and not key.endswith(_MAY_CHANGE)]
    if different:
        key = min(different, key=lambda name: name.count("."))  # nested nodes repeat the settings of outer ones
        raise InputError(
            f"{folder} was started with {key}={started.get(key)}, not {now.get(key)}. "
            f"Pass {setting}=... to start a new run, or delete the folder."
        )


def flatten_settings(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of every setting."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flatten_settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def write_subjects(folder: Path, data: FaceVideoData) -> None:
    """Write ``subjects.json``: the sorted subjects of the splits ``train``, ``val`` and ``test``."""
    subjects = {
        split: sorted({video.subject for video in data.videos(split)})  # type: ignore[arg-type]
        for split in ("train", "val", "test")
    }
    write_text(folder / SUBJECTS_FILE, json.dumps(subjects) + "\n")


def seen_subjects(folder: Path) -> frozenset[str]:
    """Return the subjects that a run used for training or checkpoint selection, without its own test subjects.

    Raises ``InputError`` if the run has no ``subjects.json``.
    """
    path = folder / SUBJECTS_FILE
    try:
        subjects = read_json(path)
        return frozenset([*subjects["train"], *subjects["val"]]) - frozenset(subjects["test"])
    except (ValueError, KeyError, TypeError) as error:  # InputError is a ValueError
        raise InputError(
            f"{path} does not list the training subjects of the run. Pass allow_seen_subjects=true to evaluate anyway."
        ) from error
