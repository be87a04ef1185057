"""Prepared form of a data set: face JPEGs, a table with one row per frame, and a description.

::

    <root>/frames/<subject>/<task>/<frame>.jpg
    <root>/manifest.parquet     subject, task, frame, path, face_found, crop_*, one int8 column per action unit
    <root>/prepared.yaml        name, action unit set, fps, size, test folds, settings, sha256 of the table

``prepared.yaml`` is written last, so a folder that contains it is complete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from mdhr.action_units import MISSING, ActionUnitSet, parse_action_unit_set
from mdhr.config.ranges import Name
from mdhr.errors import InputError, shown
from mdhr.files.atomic import write_bytes, write_text
from mdhr.files.checksums import content_checksum, file_checksum
from mdhr.files.parquet_files import read_parquet
from mdhr.files.yaml_files import read_yaml

TABLE = "manifest.parquet"
DESCRIPTION = "prepared.yaml"
KEY = ["subject", "task", "frame"]
CONTENT = ("frames", DESCRIPTION)
"""Names in the root that mark it as a data set."""
MAX_FRAME_SIZE = 4096
"""Width and height in pixels of the largest frames."""
UNKNOWN = 9
"""BP4D's label for an unknown occurrence; read as ``MISSING``."""


class Description(BaseModel):
    """Entries of ``prepared.yaml``."""

    name: str
    au_set: Annotated[ActionUnitSet, BeforeValidator(parse_action_unit_set)]
    fps: float = Field(gt=0, le=10_000, allow_inf_nan=False)
    size: int = Field(ge=1, le=MAX_FRAME_SIZE)
    folds: dict[int, list[str]]
    sha256: str
    settings: dict[str, Any] | None = None


@dataclass(frozen=True)
class Video:
    """Labeled frames of one video, ordered by frame number."""

    subject: str
    task: str
    paths: tuple[str, ...]
    """Path of the image file of every frame."""
    frame: np.ndarray
    """``(F,)`` int64 frame numbers."""
    au: np.ndarray
    """``(F, N)`` int8 occurrence: 0, 1 or -1."""

    @property
    def name(self) -> str:
        """Subject and task, such as ``F001/T1``."""
        return f"{self.subject}/{self.task}"

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Manifest:
    """Frames, labels and test folds of a data set.

    ``folds`` maps the number of a fold to its *test* subjects. ``size`` is the width and height of frames in pixels.
    """

    root: Path
    name: str
    au_set: ActionUnitSet
    fps: float
    size: int
    folds: dict[int, tuple[str, ...]]
    table: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)

    def videos(self) -> list[Video]:
        """Return all videos, ordered by subject and task."""
        table = self.table.sort_values(KEY, kind="stable", ignore_index=True)
        # Columns are extracted once. Slicing the table video by video is ten times slower.
        paths, frame = table["path"].tolist(), table["frame"].to_numpy(np.int64)
        au = table[list(self.au_set.columns)].to_numpy(np.int8)
        videos = []
        for (subject, task), rows in table.groupby(["subject", "task"], sort=True).indices.items():
            part = slice(rows[0], rows[-1] + 1)
            full_paths = tuple(f"{self.root}/{path}" for path in paths[part])
            videos.append(Video(str(subject), str(task), full_paths, frame[part], au[part]))
        return videos


def write_manifest(
    root: str | Path,
    table: pd.DataFrame,
    *,
    name: str,
    au_set: ActionUnitSet,
    fps: float,
    size: int,
    folds: Mapping[int, Sequence[str]],
    settings: Mapping[str, Any],
) -> None:
    """Write table and description of a prepared data set, after all of its frames.

    Both files are written atomically, the description last. Raises ``InputError`` if :func:`read_manifest` would not
    accept the table.
    """
    root = Path(root)
    table = check_table(table, au_set, where=f"table for {root}")
    parquet = table.to_parquet(index=False)
    description = {
        "name": name,
        "au_set": au_set.definition,
        "fps": float(fps),
        "size": int(size),
        "folds": {int(fold): [str(subject) for subject in subjects] for fold, subjects in folds.items()},
        "sha256": content_checksum(parquet),
        "settings": dict(settings),
    }
    root.mkdir(parents=True, exist_ok=True)
    write_bytes(root / TABLE, parquet)
    write_text(root / DESCRIPTION, yaml.safe_dump(description, sort_keys=False))


def read_manifest(root: Name | Path, *, au_set: ActionUnitSet | None = None) -> Manifest:
    """Return the manifest of a prepared data set.

    Args:
        au_set: required action units; None accepts those of the data set.

    Raises ``InputError`` if the folder is absent, incomplete, damaged or has other action units, or if a label is not
    0, 1 or -1 (9 is read as -1).
    """
    root = Path(root)
    if not (root / DESCRIPTION).is_file():
        raise InputError(
            f"data.root: {root} contains no prepared data set ({DESCRIPTION} is missing). "
            "Render one with `make data-synthetic`, prepare a release with `mdhr prepare`, or correct data.root."
        )
    description = _read_description(root / DESCRIPTION)
    found = description.au_set
    if au_set is not None and found.aus != au_set.aus:
        raise InputError(
            f"{root} was prepared with the action units of {found.name}, but those of {au_set.name} are required. "
            "Change data.au_set or data.root."
        )
    if not (root / TABLE).is_file() or file_checksum(root / TABLE) != description.sha256:
        raise InputError(f"{root / TABLE} does not match the checksum in {DESCRIPTION}. Prepare the data set again.")
    return Manifest(
        root=root,
        name=description.name,
        au_set=found,
        fps=description.fps,
        size=description.size,
        folds={fold: tuple(subjects) for fold, subjects in description.folds.items()},
        table=check_table(read_parquet(root / TABLE), found, where=str(root / TABLE)),
        settings=description.settings or {},
    )


def check_table(table: pd.DataFrame, au_set: ActionUnitSet, *, where: str) -> pd.DataFrame:
    """Return the table with labels as int8 and 9 replaced by -1. Other columns are kept.

    Args:
        where: start of error messages.

    Raises ``InputError`` with the first problem and the number of problems.
    """
    if not table.columns.is_unique:
        raise InputError(f"{where}: column {shown(table.columns[table.columns.duplicated()][0])} exists twice")
    missing = [column for column in [*KEY, "path", *au_set.columns] if column not in table]
    if missing:
        raise InputError(f"{where}: no column {missing[0]} ({len(missing)} missing), which {au_set.name} requires")
    if table.empty:
        raise InputError(f"{where}: contains no frames")
    table = table.reset_index(drop=True)
    empty = table[[*KEY, "path"]].isna()
    if empty.to_numpy().any():
        row, column = np.argwhere(empty.to_numpy())[0]
        raise InputError(
            f"{where}: row {row}, column {empty.columns[column]} is empty ({empty.sum().sum()} such cells)"
        )
    for column in ("subject", "task", "path"):
        if not pd.api.types.is_string_dtype(table[column]):  # of objects, every one must be text
            raise InputError(f"{where}: column {column} contains {table[column].dtype}, expected text")
    if not pd.api.types.is_integer_dtype(table["frame"]):
        raise InputError(f"{where}: column frame contains {table['frame'].dtype}, expected integers")
    repeated = table.duplicated(KEY)
    if repeated.any():
        subject, task, frame = table.loc[repeated.idxmax(), KEY]
        raise InputError(f"{where}: frame {frame} of {subject}/{task} exists twice ({repeated.sum()} such rows)")
    # Labels are assigned together: assigning column by column copies and fragments the table.
    labels = clean_labels(table[list(au_set.columns)], where=where)
    return table.assign(frame=table["frame"].astype(np.int64), **labels)


def clean_labels(labels: pd.DataFrame, *, where: str) -> dict[str, np.ndarray]:
    """Return label columns as int8 with 9 replaced by ``MISSING``; raises ``InputError`` for values besides 0, 1, -1."""
    if all(dtype == np.int8 for dtype in labels.dtypes):
        values = labels.to_numpy()
    else:
        values = labels.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    values = np.where(values == UNKNOWN, MISSING, values)
    wrong = (values != 0) & (values != 1) & (values != MISSING)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InputError(
            f"{where}: row {labels.index[row]}, column {labels.columns[column]}: label {shown(str(labels.iloc[row, column]))} "
            f"is not 0, 1 or -1 (9 is read as -1); {wrong.sum()} such labels"
        )
    values = values.astype(np.int8)
    return {column: values[:, i] for i, column in enumerate(labels.columns)}


def _read_description(path: Path) -> Description:
    """Return the content of ``prepared.yaml``; raises ``InputError`` for wrong types and values out of range."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a description of a prepared data set. Prepare the data set again.")
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        missing = sorted(str(problem["loc"][0]) for problem in error.errors() if problem["type"] == "missing")
        if missing:
            raise InputError(f"{path} lacks {', '.join(missing)}. Prepare the data set again.") from error
        problem = error.errors()[0]
        name = ".".join(shown(part) for part in problem["loc"])
        raise InputError(
            f"{path}: {name}={shown(problem['input'])}: {shown(problem['msg'])}. Prepare the data set again."
        ) from error
