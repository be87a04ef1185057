"""Contents of a release before any cleaning: videos, labels as text, and problems."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.problems import Problem


@dataclass(frozen=True)
class ReleaseVideo:
    """Frames of one video: a folder of numbered images, or a video file."""

    subject: str
    task: str
    path: Path
    """The folder or the video file."""
    numbers: np.ndarray
    """``(F,)`` int64 numbers of the available frames, ascending."""
    images: dict[int, str] | None
    """File name of every image by frame number; None for a video file."""
    first: int = 0
    """Number of the image that is frame 0, or of the first frame of a video file."""
    first_setting: str = ""
    """Setting that ``first`` comes from; empty if there is none."""

    @property
    def name(self) -> str:
        """Subject and task, such as ``F001/T1``."""
        return f"{self.subject}/{self.task}"


@dataclass(frozen=True)
class ReleaseContents:
    """Everything that a reader found in a release."""

    root: Path
    name: str
    au_set: ActionUnitSet
    fps: float
    folds: dict[int, tuple[str, ...]]
    """Test subjects of every fold."""
    videos: tuple[ReleaseVideo, ...]
    """Ordered by subject and task."""
    labels: pd.DataFrame
    """One row per labeled frame of all videos, not cleaned: ``subject``, ``task``, ``frame`` (int64, as in
    :class:`ReleaseVideo`), ``file`` (label file relative to the root), one text column per action unit, and for DISFA
    the text columns ``intensity_AU1``, ... that the occurrence comes from."""
    problems: tuple[Problem, ...]
    """Problems of folders and files. ``check_release`` adds those of label cells and absent frames."""
    same_tasks: bool = True
    """Whether every subject should have all tasks."""


class Release(Protocol):
    """Reader of one data set in its distributed form."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that determine which label belongs to which frame; stored with the prepared data set."""

    def read(self) -> ReleaseContents:
        """Return the contents of the release."""
