"""Videos of one coder or model for the agreement: code files, score tables of ``mdhr predict``, and run folders."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet

from mdhr.action_units import MISSING
from mdhr.data.codes.reading import CODE_SUFFIXES
from mdhr.errors import InputError, shown
from mdhr.files.csv_files import read_csv
from mdhr.files.parquet_files import read_parquet
from mdhr.files.search import walk
from mdhr.training.frame_scores import action_unit_columns, read_predictions
from mdhr.training.run_record import read_record

PREDICTIONS = "predictions.parquet"
_ORDER = (".parquet", ".csv", ".xlsx", ".tsv", ".txt", ".eaf", ".textgrid")
"""Preference if a folder contains several files of one video."""
_DERIVED = re.compile(r"_(boris|intervals)$")
"""Endings of file names that `mdhr predict` adds to the name of the video."""


@dataclass(frozen=True, kw_only=True)
class CodedSource:
    """Coding of one video.

    Attributes:
        names: names by which it is paired, the most specific first.
        subject: name of the subject; empty if unknown.
        path: code file, or the run folder.
        table: column ``frame`` and one column per action unit with 0, 1 or ``MISSING``; None for a code file, which is
            read once the frame rate is known.
        fps: frame rate of the table; None if unknown.
    """

    names: tuple[str, ...]
    subject: str
    path: Path
    table: pd.DataFrame | None = None
    fps: float | None = None


def find_sources(
    path: Path, *, subject: str | None, threshold: float | None, labels: bool = False
) -> list[CodedSource]:
    """Return the videos of a code file, a folder of them, or a run folder.

    Args:
        subject: regular expression that finds the subject in the path of a file relative to ``path``, without suffix.
            None uses the name of the file's folder inside ``path``.
        threshold: smallest active score of a run; None uses that of the run.
        labels: return the labels of a run instead of its predictions.

    Raises:
        InputError: ``path`` does not exist, contains no code file, or cannot be read.
    """
    if (path / PREDICTIONS).is_file():
        return _sources_of_run(path, threshold=threshold, labels=labels)
    if path.is_file():
        return [_source_of_file(path, path.stem, subject)]
    if not path.is_dir():
        raise InputError(f"{path} does not exist. Pass a code file, a folder of code files, or a run folder.")
    chosen: dict[str, Path] = {}
    for folder, names in walk(path):
        for name in sorted(names, key=_preference):
            if Path(name).suffix.lower() in CODE_SUFFIXES and not name.endswith("_intervals.csv"):
                key = (Path(folder) / _DERIVED.sub("", Path(name).stem)).as_posix()
                chosen.setdefault(key, path / folder / name)
    if not chosen:
        raise InputError(f"{path} contains no code files: expected {', '.join(sorted(CODE_SUFFIXES))}.")
    return [_source_of_file(file, key, subject) for key, file in sorted(chosen.items())]


def pair_sources(a: Sequence[CodedSource], b: Sequence[CodedSource]) -> list[tuple[CodedSource, CodedSource]]:
    """Return the pairs of equal names; two single files are a pair whatever their names.

    Raises ``InputError`` if no video is in both.
    """
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    by_name: dict[str, list[CodedSource]] = {}
    for source in b:
        for name in dict.fromkeys(source.names):
            by_name.setdefault(name, []).append(source)
    unique = {name: sources[0] for name, sources in by_name.items() if len(sources) == 1}
    partners = [(source, next((unique[name] for name in source.names if name in unique), None)) for source in a]
    pairs = [(source, partner) for source, partner in partners if partner is not None]
    if not pairs:
        raise InputError(
            f"A and B have no video in common: A has {shown(a[0].names[0])}, B has {shown(b[0].names[0])}. "
            "Give the files of a video the same name in both folders."
        )
    if len({id(partner) for _, partner in pairs}) < len(pairs):
        raise InputError(
            "several videos of A have the name of one video of B. Use the same subfolders in both folders."
        )
    return pairs


def _preference(name: str) -> tuple[bool, int, str]:
    suffix = Path(name).suffix.lower()
    return bool(_DERIVED.search(Path(name).stem)), _ORDER.index(suffix) if suffix in _ORDER else len(_ORDER), name


def _source_of_file(path: Path, key: str, pattern: str | None) -> CodedSource:
    folder = Path(key).parent.name
    subject = folder if pattern is None else _match(pattern, key)
    names = tuple(dict.fromkeys([key, Path(key).name]))
    if not _is_score_table(path):
        return CodedSource(names=names, subject=subject, path=path)
    table = read_parquet(path) if path.suffix == ".parquet" else read_csv(path)
    frames, seconds = table["frame"].to_numpy(), table["time_seconds"].to_numpy()
    duration = float(seconds[-1] - seconds[0]) if len(table) else 0.0
    fps = float(frames[-1] - frames[0]) / duration if duration > 0 else None
    return CodedSource(names=names, subject=subject, path=path, table=_main_face(table), fps=fps)


def _match(pattern: str, key: str) -> str:
    try:
        match = re.search(pattern, key)
    except re.error as error:
        raise InputError(f"--subject {shown(pattern)!r} is not a regular expression: {error}.") from error
    if match is None:
        raise InputError(f"--subject {shown(pattern)!r} does not match {shown(key)!r}. Correct the expression.")
    return match[1] if match.groups() else match[0]


def _is_score_table(path: Path) -> bool:
    """Whether a file is a score table of ``mdhr predict``."""
    try:
        if path.suffix == ".parquet":
            names = list(pyarrow.parquet.read_schema(path).names)
        elif path.suffix == ".csv":
            with open(path, encoding="utf-8", errors="replace") as file:
                names = file.readline().strip().split(",")
        else:
            return False
    except (OSError, ValueError):  # reading the file as codes reports the reason
        return False
    return {"track", "frame", "time_seconds"} <= set(names) and any(name.startswith("score_") for name in names)


def _main_face(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per frame of the main face of a score table.

    It is the track with most detections. If tracks never overlap in time, one person may have several: all of them count.
    """
    columns = action_unit_columns(table)
    found = table[table["box_x"].notna()]
    if found["frame"].duplicated().any():
        found = found[found["track"] == found["track"].value_counts().sort_index().idxmax()]
    num_frames = int(table["frame"].max()) + 1 if len(table) else 0
    labels = found.set_index("frame")[columns].reindex(range(num_frames))
    labels = labels.astype("Float64").fillna(MISSING).astype(np.int8)
    return labels.rename_axis("frame").reset_index()


def _sources_of_run(run: Path, *, threshold: float | None, labels: bool) -> list[CodedSource]:
    table = read_predictions(run)
    columns = action_unit_columns(table)
    chosen: Any = threshold
    if threshold is None and not labels:
        record = read_record(run)
        chosen = record.get("thresholds") or record.get("threshold", 0.5)  # chosen per action unit, or one
    sources = []
    for (subject, task), rows in table.groupby(["subject", "task"], sort=True):
        values: dict[str, Any] = {"frame": rows["frame"].to_numpy()}
        for column in columns:
            limit = chosen.get(column, 0.5) if isinstance(chosen, Mapping) else chosen
            values[column] = (
                rows[f"label_{column}"].to_numpy() if labels else (rows[f"score_{column}"] >= limit).astype(np.int8)
            )
        names = (f"{subject}/{task}", f"{subject}_{task}", str(task))
        sources.append(CodedSource(names=names, subject=str(subject), path=run, table=pd.DataFrame(values)))
    return sources
