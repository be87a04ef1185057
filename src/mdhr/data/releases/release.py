"""A release as its owner has it: videos, their labels as they stand in the files, and everything that is wrong with it.

Readers of one data set each (``bp4d``, ``disfa``) give a :class:`RawRelease`; checking and preparing start from it.
They never stop at the first thing that is wrong: what is wrong is collected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.video.decoding import count_frames
from mdhr.errors import InputError
from mdhr.files.search import numbered_images, walk


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a tree, or worth knowing of it."""

    where: str
    """A video (``F001/T1``), a subject, a file relative to the root, or the root itself."""
    what: str
    """What is wrong there, with an example: ``label 7 of AU4 is none of 0, 1, 9 (first in frame 2441)``."""
    count: int = 1
    """How many such cells, frames or files."""
    mend: str = ""
    """How to mend it, where that is known."""
    level: Literal["error", "note"] = "error"
    """Errors keep a release from being prepared; notes are only told."""


def listed(problems: Sequence[Problem], *, refused: bool, most: int = 20) -> list[str]:
    """Lines for a dry run: errors, and whether they keep the release from being prepared, then notes."""
    lines = []
    for level in ("error", "note"):
        these = [problem for problem in problems if problem.level == level]
        stops = ", which keep the release from being prepared" if refused and these and level == "error" else ""
        lines.append(f"{level + 's':12} {len(these)}{stops}")
        lines += [f"  {problem.where}: {problem.what}" for problem in these[:most]]
        if len(these) > most:
            lines.append(f"  and {len(these) - most} more: mdhr check lists them all")
    return lines


@dataclass(frozen=True)
class RawVideo:
    """Where the frames of one video are: a folder of numbered images, or a video file."""

    subject: str
    task: str
    path: Path
    """The folder or the file."""
    numbers: np.ndarray
    """``(F,)`` int64 numbers of the frames that are there, ascending."""
    images: dict[int, str] | None
    """File name of every image by frame number; None for a video file, whose pictures are numbered in a row."""

    @property
    def name(self) -> str:
        """``F001/T1``."""
        return f"{self.subject}/{self.task}"


@dataclass(frozen=True)
class RawRelease:
    """What a reader found."""

    root: Path
    name: str
    au_set: ActionUnitSet
    fps: float
    folds: dict[int, tuple[str, ...]]
    """Test subjects of every fold."""
    videos: tuple[RawVideo, ...]
    """Ordered by subject and task."""
    labels: pd.DataFrame
    """One row a coded frame, all videos together, *nothing cleaned*: ``subject``, ``task``, ``frame`` (int64, its
    number in :class:`RawVideo`), ``file`` (of the label, relative to the root), then the columns of the action units
    as text, and of DISFA the ``intensity_AU1``, ... that they come from, also as text."""
    problems: tuple[Problem, ...]
    """What was wrong with folders and files; cells of ``labels``, and what is missing, are for the check to judge."""


class Release(Protocol):
    """Reads one data set as it was handed out."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides which label belongs to which picture, for the record."""

    def read(self) -> RawRelease:
        """Everything that is there."""


class ReleaseReader:
    """Collects videos, labels and problems while a reader walks through a release."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(f"there is no folder {root}: point data.root at the release, see docs/data.md")
        self.root = root
        self._problems: list[Problem] = []
        self._videos: dict[tuple[str, str], RawVideo] = {}
        self._labels: list[pd.DataFrame] = []
        self._walked: dict[Path, list[tuple[Path, list[str]]]] = {}

    def walk(self, below: str | None) -> Sequence[tuple[Path, list[str]]]:
        """Every folder below ``root / below`` and the names in it; each tree is read once."""
        start = self.root / (below or ".")
        if not start.is_dir():
            raise InputError(f"there is no folder {start}: correct data.release.images or data.release.labels")
        if start not in self._walked:
            self._walked[start] = [(start / folder, names) for folder, names in walk(start)]
        return self._walked[start]

    def problem(self, where: str | Path, what: str, *, mend: str = "", count: int = 1) -> None:
        """Remember what is wrong with a video or, given its path, a file."""
        where = self.relative(where) if isinstance(where, Path) else where
        self._problems.append(Problem(where, " ".join(what.split()), count=count, mend=mend))

    def relative(self, path: Path) -> str:
        """The path as it is told to people."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    def add_images(self, subject: str, task: str, folder: Path, names: list[str], *, first: int = 0) -> None:
        """A folder whose images are numbered from ``first``; one without images is none."""
        images, again = numbered_images(names)
        if again:
            self.problem(
                folder, f"{again[0]} has the number of another image", count=len(again), mend="remove one of them"
            )
        if images:
            images = {number - first: images[number] for number in sorted(images)}
            self._add(RawVideo(subject, task, folder, np.array(list(images), dtype=np.int64), images))

    def add_video(self, subject: str, task: str, path: Path, *, first: int = 0) -> None:
        """A video file whose first picture is frame ``first``."""
        try:
            numbers = np.arange(first, first + count_frames(path), dtype=np.int64)
        except InputError as error:
            self.problem(path, str(error), mend="copy the file again")
        else:
            self._add(RawVideo(subject, task, path, numbers, None))

    def add_labels(self, subject: str, task: str, path: Path, table: pd.DataFrame) -> None:
        """``frame`` and label columns of one video, as text but for the frame's number."""
        self._labels.append(table.assign(subject=subject, task=task, file=self.relative(path)))

    def release(self, **facts: Any) -> RawRelease:
        """What was found."""
        videos = tuple(self._videos[key] for key in sorted(self._videos))
        columns = ["subject", "task", "frame", "file", *facts["au_set"].columns]
        labels = pd.concat(self._labels, ignore_index=True) if self._labels else pd.DataFrame(columns=columns)
        return RawRelease(root=self.root, videos=videos, labels=labels, problems=tuple(self._problems), **facts)

    def _add(self, video: RawVideo) -> None:
        other = self._videos.setdefault((video.subject, video.task), video)
        if other is video:
            return
        if (other.images is None) == (video.images is None):
            self.problem(
                video.name,
                f"is there twice: {self.relative(other.path)} and {self.relative(video.path)}",
                mend="say which with data.release.images=<folder>, or remove one",
            )
        elif video.images is not None:  # images have been cut out of the video by somebody: they are the ones meant
            self._videos[video.subject, video.task] = video


def read_cells(path: Path, *, separator: str = ",") -> pd.DataFrame:
    """A text table without header as text; raises ``InputError`` if it cannot be read."""
    try:
        return pd.read_csv(
            path,
            sep=separator,
            header=None,
            dtype=object,
            keep_default_na=False,
            na_filter=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
        )
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # not text, empty, or rows of different lengths
        raise InputError(f"is no table of labels: {error}") from error


def whole_numbers(cells: pd.Series) -> pd.Series:
    """Text as int64; raises ``InputError`` that names the first cell that is no whole number."""
    wrong = ~cells.str.fullmatch(r"\d{1,9}(?:\.0*)?\s*")
    if wrong.any():
        raise InputError(f"{cells[wrong.idxmax()]!r} in the column of frames is no whole number ({wrong.sum()} such)")
    return cells.astype(float).astype(np.int64)
