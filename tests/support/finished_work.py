"""Content of output folders: complete files, and what equal runs have in common."""

import hashlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
import yaml

_RUN_DEPENDENT = ("seconds.json", "metrics.csv", "train.log", ".mdhr.lock")
"""Files with times, logs, and locks."""
_RUN_DEPENDENT_FOLDERS = ("csv", ".hydra", "wandb")


def results(folder: Path) -> dict[str, Any]:
    """Return a value per file of a folder that is equal for equal results: the content, without times.

    Of a checkpoint this is a digest of the weights and of the state of the optimizer.
    """
    return {path.relative_to(folder).as_posix(): _content(path) for path in _files(folder)}


def assert_files_complete(folder: Path) -> None:
    """Fail if a file that is not temporary cannot be read to its end."""
    for path in _files(folder):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            try:
                _read(path)
            except Exception as error:
                raise AssertionError(f"{path} ({path.stat().st_size} bytes) cannot be read: {error!r}") from error


def assert_no_temporary_files(folder: Path) -> None:
    """Fail if a hidden file or folder contains anything but the settings of Hydra and locks."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in _RUN_DEPENDENT]
    parts = {path: path.relative_to(folder).parts for path in files}
    hidden = [p for p in files if any(part.startswith(".") and part != ".hydra" for part in parts[p])]
    assert not hidden, hidden


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and path.name not in _RUN_DEPENDENT and not set(parts) & set(_RUN_DEPENDENT_FOLDERS):
            yield path


def _content(path: Path) -> Any:
    if path.suffix == ".ckpt":
        checkpoint = torch.load(path, weights_only=True)
        state = {**checkpoint["state_dict"], "optimizer": checkpoint["optimizer_states"]}
        return hashlib.sha256(pickle.dumps(_plain(state))).hexdigest()
    if path.name == "metrics.json":
        return {key: value for key, value in json.loads(path.read_text()).items() if key != "seconds"}
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plain(value: Any) -> Any:
    """Return nested values with tensors as bytes."""
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return [(str(key), _plain(each)) for key, each in value.items()]
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else repr(value)


def _read(path: Path) -> None:
    """Read a file to its end, by its suffix."""
    match path.suffix:
        case ".ckpt":
            torch.load(path, weights_only=True)
        case ".json":
            json.loads(path.read_text())
        case ".yaml":
            assert yaml.safe_load(path.read_text()) is not None
        case ".parquet":
            pd.read_parquet(path)
        case ".csv":
            pd.read_csv(path)
        case ".npy":
            np.load(path, mmap_mode="r")
        case ".jpg" | ".png":
            assert cv2.imread(str(path)) is not None
