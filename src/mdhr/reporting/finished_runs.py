"""Table of the finished runs on disk."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ValidationError

from mdhr.config.precision import FLOAT32
from mdhr.config.validation import validate_recorded
from mdhr.data.provenance import PROTOCOLS
from mdhr.errors import InputError, shown
from mdhr.training.run_folder import SETTINGS_FILE, flatten_settings, read_settings
from mdhr.training.run_record import METRICS_FILE, OTHER_NETWORK, read_record

COLUMNS = ("name", "data", "au_set", "protocol", "network", "k", "region_weight", "fold", "seed", "threshold",
           "precision", "f1_mean", "auc_mean", "baseline_f1_mean", "git_commit", "command", "seconds", "folder",
           "recipe")  # fmt: skip
_VARIED = ("network.", "module.network.", "module.region_weight", "seed", "data.fold", "data.module.fold",
           "data.module.seed", "callbacks.resume.", "data.module.num_workers", "trainer.accelerator", "trainer.devices",
           "trainer.strategy", "trainer.enable_", "trainer.log_every_n_steps")  # fmt: skip
"""Settings in which runs of one recipe may differ: those that tables vary, and those without effect on results."""
_IDENTITY = ["network", "k", "region_weight", "fold", "seed"]
TRAIN_SUFFIX = "train_suffix"
"""Column, and entry of ``data.module``: ending of the names of the training subjects, empty for all."""


class _Seconds(BaseModel):
    train: float


class _Record(BaseModel):
    """Entries of ``metrics.json`` that the table contains."""

    data: str
    au_set: str
    protocol: str
    fold: int
    seed: int
    threshold: float
    f1_mean: float | None
    auc_mean: float | None
    f1: dict[str, float | None]
    seconds: _Seconds
    name: str | None = None
    precision: str = FLOAT32
    baseline_f1_mean: float | None = None
    git_commit: str | None = None
    command: str | None = None
    choices: dict[str, str] = {}


def read_runs(root: Path) -> pd.DataFrame:
    """Return one row per finished run below ``root``, sorted by folder.

    Columns: ``data``, ``protocol``, ``fold``, ``seed``, ``f1_mean``, ``auc_mean``, ``git_commit``, ... from
    ``metrics.json``; ``train_suffix``; F1 by action unit as ``f1_AU1``, ... in [0, 1]; ``network`` (choice of
    ``conf/network`` or ``other``); ``k`` (NaN for networks without it) and ``region_weight`` from ``settings.yaml``;
    ``seconds`` of training; ``folder``; ``recipe``, which is equal for runs that differ only in settings that tables vary.

    Folders without ``settings.yaml`` are skipped.
    """
    folders = [folder for folder in folders_with(METRICS_FILE, root) if (folder / SETTINGS_FILE).is_file()]
    rows = [_row(folder) for folder in folders]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*COLUMNS, *(column for row in rows for column in row)])))


def folders_with(file: str, root: Path) -> list[Path]:
    """Return the folders below ``root`` that contain a file of this name, without hidden ones such as replaced runs."""
    paths = [path.relative_to(root) for path in root.rglob(file)]
    return sorted(root / path.parent for path in paths if not any(part.startswith(".") for part in path.parts))


def check_one_recipe(runs: pd.DataFrame, *, column: str | None = None, settings: tuple[str, ...] = ()) -> None:
    """Raise ``InputError`` if runs differ in a setting that tables do not vary, or if two runs are identical.

    Args:
        column: column in which runs may differ as well.
        settings: endings of the settings that belong to this column.
    """
    first, *others = runs.drop_duplicates("recipe").to_dict("records")
    for other in others:
        a, b = (
            {key: value for key, value in json.loads(run["recipe"]).items() if not key.endswith(settings)}
            for run in (first, other)
        )
        if a == b:
            continue
        key = next(key for key in [*a, *b] if a.get(key) != b.get(key))
        raise InputError(
            f"{first['folder']} was run with {key}={a.get(key)}, {other['folder']} with {key}={b.get(key)}. A table "
            "requires equal settings: delete one of the runs, or set runs to a folder with runs of one recipe."
        )
    named = runs.reset_index()  # fold and seed may be in the index
    identity = _IDENTITY if column is None else [*_IDENTITY, column]
    twice = named[named.duplicated(identity, keep=False)].sort_values(identity)["folder"]
    if len(twice):
        raise InputError(f"{twice.iloc[0]} and {twice.iloc[1]} have equal settings. Delete one of them.")


def short_commits(runs: pd.DataFrame) -> list[str]:
    """Return the commits of the code of the runs, ten digits each, with ``-dirty`` if files differed from the commit."""
    known = runs["git_commit"].dropna().unique()
    return sorted({commit[:10] + ("-dirty" if commit.endswith("-dirty") else "") for commit in known}) or ["no commit"]


def provenance_note(runs: pd.DataFrame, folds: Sequence[int]) -> str:
    """Return data set, protocol, folds, precision and commits of runs that share a data set and a protocol."""
    data, protocol = runs["data"].iloc[0], runs["protocol"].iloc[0]
    precisions = ", ".join(sorted(runs["precision"].unique()))
    return (
        f"{data}; {PROTOCOLS[protocol]}; folds {', '.join(map(str, folds))}; precision {precisions}; "
        f"code at {', '.join(short_commits(runs))}"
    )


def _row(folder: Path) -> dict[str, Any]:
    """Return the row of a run; raises ``InputError`` if its files have other content than those of ``mdhr train``."""
    record, settings = read_record(folder), read_settings(folder)
    validate_recorded(settings, where=folder / SETTINGS_FILE)
    try:
        _Record.model_validate(record)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(shown(part) for part in problem["loc"])
        raise InputError(
            f"{folder / METRICS_FILE}: {name}: {shown(problem['msg'])}. Delete the folder and run it again."
        ) from error
    k = settings["network"].get("temporal_radius")
    return {
        **{column: record.get(column) for column in COLUMNS},
        "precision": record.get("precision", FLOAT32),
        "network": record.get("choices", {}).get("network", OTHER_NETWORK),
        "k": float("nan") if k is None else k,
        "region_weight": float(settings["module"]["region_weight"]),
        TRAIN_SUFFIX: settings["data"]["module"].get(TRAIN_SUFFIX, ""),
        "seconds": record["seconds"]["train"],
        "folder": str(folder),
        "recipe": _recipe(settings),
        **{f"f1_{column}": value for column, value in record["f1"].items()},
    }


def _recipe(settings: Mapping[str, Any]) -> str:
    fixed = {
        key: value for key, value in flatten_settings(settings) if value is not None and not key.startswith(_VARIED)
    }
    return json.dumps(dict(sorted(fixed.items())), default=str)
