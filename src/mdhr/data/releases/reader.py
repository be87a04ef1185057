"""Reader that collects videos, labels and problems of a release; the BP4D and DISFA readers use it.

Problems are collected, so that one pass over a release finds all of them.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mdhr.data.problems import Problem
from mdhr.data.releases.contents import ReleaseContents, ReleaseVideo
from mdhr.data.video.decoding import count_frames
from mdhr.errors import InputError, shown
from mdhr.files.csv_files import check_columns
from mdhr.files.regular_file import read_regular
from mdhr.files.search import numbered_images, walk

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", " ": "spaces"}


class ReleaseReader:
    """Collection of the videos, labels and problems found below ``root``.

    Raises ``InputError`` if ``root`` does not exist.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(
                f"data.root: folder '{root}' does not exist. Set data.root to the folder of the release (docs/data.md)."
            )
        self.root = root
        self._problems: list[Problem] = []
        self._videos: dict[tuple[str, str], ReleaseVideo] = {}
        self._labels: list[pd.DataFrame] = []
        self._walked: dict[Path, list[tuple[Path, list[str]]]] = {}

    def walk(self, subfolder: str | None) -> Sequence[tuple[Path, list[str]]]:
        """Return every folder below ``root / subfolder`` with its file names. Each tree is read once.

        Raises ``InputError`` if the subfolder does not exist.
        """
        start = self.root / (subfolder or ".")
        if not start.is_dir():
            raise InputError(f"folder '{start}' does not exist. Correct data.release.images or data.release.labels.")
        if start not in self._walked:
            self._walked[start] = [(start / folder, names) for folder, names in walk(start)]
        return self._walked[start]

    def add_problem(self, where: str | Path, what: str, *, fix: str = "", count: int = 1) -> None:
        """Record a problem of a video or, given its path, of a file."""
        where = self.relative(where) if isinstance(where, Path) else where
        self._problems.append(Problem(where, " ".join(what.split()), count=count, fix=fix))

    def relative(self, path: Path) -> str:
        """Return a path relative to the root; unchanged if it lies elsewhere."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    def add_images(
        self, subject: str, task: str, folder: Path, names: list[str], *, first: int = 0, first_setting: str = ""
    ) -> None:
        """Record a folder as a video if it contains images; the image with number ``first`` is frame 0.

        Args:
            first_setting: setting that ``first`` comes from, for error messages.
        """
        images, repeated = numbered_images(names)
        if repeated:
            self.add_problem(
                folder, f"{repeated[0]} has the number of another image", count=len(repeated), fix="delete one of them"
            )
        if images:
            images = {number - first: images[number] for number in sorted(images)}
            numbers = np.array(list(images), dtype=np.int64)
            self._add_video(ReleaseVideo(subject, task, folder, numbers, images, first, first_setting))

    def add_video(self, subject: str, task: str, path: Path, *, first: int = 0, first_setting: str = "") -> None:
        """Record a video file whose first frame has the number ``first``; see :meth:`add_images`."""
        try:
            numbers = np.arange(first, first + count_frames(path), dtype=np.int64)
        except InputError as error:
            self.add_problem(path, str(error), fix="copy the file again")
        else:
            self._add_video(ReleaseVideo(subject, task, path, numbers, None, first, first_setting))

    def add_labels(self, subject: str, task: str, path: Path, table: pd.DataFrame) -> None:
        """Record the labels of one video: ``frame`` (int64) and text columns."""
        self._labels.append(table.assign(subject=subject, task=task, file=self.relative(path)))

    def contents(self, **properties: Any) -> ReleaseContents:
        """Return the collected contents; ``properties`` are the other fields of :class:`ReleaseContents`."""
        videos = tuple(self._videos[key] for key in sorted(self._videos))
        columns = ["subject", "task", "frame", "file", *properties["au_set"].columns]
        labels = pd.concat(self._labels, ignore_index=True) if self._labels else pd.DataFrame(columns=columns)
        return ReleaseContents(
            root=self.root, videos=videos, labels=labels, problems=tuple(self._problems), **properties
        )

    def _add_video(self, video: ReleaseVideo) -> None:
        other = self._videos.setdefault((video.subject, video.task), video)
        if other is video:
            return
        if (other.images is None) == (video.images is None):
            self.add_problem(
                video.name,
                f"exists twice: {self.relative(other.path)} and {self.relative(video.path)}",
                fix="select one with data.release.images=<folder>, or delete one",
            )
        elif video.images is not None:  # images extracted from the video take precedence
            self._videos[video.subject, video.task] = video


def read_cells(path: Path) -> pd.DataFrame:
    """Return the cells of a comma-separated table without header, as text. Lines without text are skipped.

    Raises ``InputError`` if the file cannot be read, has another separator, or has lines of different lengths.
    """
    try:
        text = read_regular(path).decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{path} ")) from error
    except UnicodeDecodeError as error:
        raise InputError("is not a table of labels: it is not UTF-8 text; save it as CSV UTF-8") from error
    except csv.Error as error:
        raise InputError(f"is not a table of labels: {error}") from error
    rows = [row for row in lines if "".join(row).strip()]
    if not rows:
        raise InputError("is not a table of labels: it is empty")
    first = rows[0]
    check_columns(len(first), path)
    for separator, name in _OTHER_SEPARATORS.items():
        if len(first) == 1 and separator in first[0].strip():
            raise InputError(f"is not a table of labels: its columns are separated by {name}; replace them by commas")
    other = next((row for row in rows if len(row) != len(first)), None)
    if other:
        raise InputError(
            f"is not a table of labels: line {lines.index(other) + 1} has {len(other)} columns, the first line has {len(first)}"
        )
    return pd.DataFrame(rows, dtype=object)


def parse_frame_numbers(cells: pd.Series) -> pd.Series:
    """Return text cells as int64; raises ``InputError`` with the first cell that is not an integer."""
    invalid = ~cells.str.fullmatch(r"\d{1,9}(?:\.0*)?\s*")
    if invalid.any():
        example = cells[invalid.idxmax()]
        raise InputError(f"{shown(example)!r} in the frame column is not an integer ({invalid.sum()} such cells)")
    return cells.astype(float).astype(np.int64)
