"""Reader of FACS-coded videos in the file formats of coders.

::

    <root>/S01/interview.mp4          any nesting; or a folder of images, S01/interview/0001.png
    <labels>/S01/interview.eaf        any format of :mod:`mdhr.data.codes.reading`, named as the video

Frames are counted from 0. The name of the video is its task.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.config.ranges import FrameNumber, FrameRate, Name, NonNegativeFloat
from mdhr.data.codes.mapping import parse_mapping, read_mapping
from mdhr.data.codes.reading import read_codes
from mdhr.data.codes.settings import CodeSettings
from mdhr.data.fold_assignment import assign_folds
from mdhr.data.prepared.manifest import UNKNOWN
from mdhr.data.problems import Problem
from mdhr.data.releases.coded_files import check_expression, find_codes, find_videos, pair_files, video_name
from mdhr.data.releases.coded_subjects import (
    check_subject_setting,
    similar_subjects,
    single_video_subjects,
    subject_of,
)
from mdhr.data.releases.coded_video_timing import video_timing
from mdhr.data.releases.contents import ReleaseContents, ReleaseVideo
from mdhr.data.video.image_folder import open_image_folder
from mdhr.errors import InputError
from mdhr.files.search import numbered_images

FOLD_DEFAULTS = {"method": "k_fold", "num_folds": 3, "seed": 1, "given": None}


@dataclass(frozen=True, kw_only=True)
class CodedVideosRelease:
    """Videos and code files.

    Attributes:
        root: folder of the videos.
        au_set: action units to read.
        labels: folder of the code files, relative to the current folder or to ``root``; None is ``root``.
        subject: see :func:`mdhr.data.releases.coded_subjects.subject_of`.
        mapping: YAML file or dictionary with the action units of tiers and behaviors, see
            :mod:`mdhr.data.codes.mapping`; None reads their names as codes.
        code_suffix: regular expression of an ending that the names of code files have in addition to the video's.
        fps: frame rate of image folders.
        folds: arguments of :func:`mdhr.data.fold_assignment.assign_folds`.
        threshold: see :class:`mdhr.data.codes.settings.CodeSettings`, as for ``point_seconds``, ``coding_fps``,
            ``first_frame`` and ``absent``.
    """

    root: Name | Path
    au_set: ActionUnitSet
    labels: Name | None = None
    subject: Name = "folder"
    mapping: Any = None
    code_suffix: str = ""
    fps: FrameRate = 25.0
    folds: Mapping[str, Any] = field(default_factory=dict)
    threshold: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)] | None = None
    point_seconds: NonNegativeFloat = 0.0
    coding_fps: FrameRate | None = None
    first_frame: FrameNumber = 0
    absent: Literal["error", "inactive", "unknown"] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that determine which label belongs to which frame."""
        codes = self._code_settings()
        chosen = {name: getattr(codes, name) for name in ("threshold", "point_seconds", "coding_fps", "first_frame")}
        mapping = {name: list(aus) for name, aus in codes.mapping.items()}
        return {
            "release": "coded videos",
            "au_set": self.au_set.definition,
            "subject": self.subject,
            "fps": self.fps,
            "absent": self.absent,
            "mapping": mapping,
            "folds": _plain({**FOLD_DEFAULTS, **self.folds}),
            **chosen,
        }

    def read(self) -> ReleaseContents:
        """Return all videos, labels and problems; raises ``InputError`` if a folder or a setting is invalid."""
        root, labels, settings = Path(self.root), self._labels_folder(), self._code_settings()
        check_subject_setting(self.subject)
        check_expression(self.code_suffix, setting="data.release.code_suffix")
        videos = [video for video in find_videos(root) if labels == root or not video.is_relative_to(labels)]
        paired = pair_files(videos, find_codes(labels), root=root, labels=labels, code_suffix=self.code_suffix)
        collected = _Collected(problems=list(paired.problems))
        for video, codes in paired.pairs:
            self._read_video(video, codes, collected, settings)
        problems = [replace(problem, where=_relative(problem.where, root)) for problem in collected.problems]
        table = collected.table(self.au_set)
        folds, fold_problems = self._assign_folds(table)
        return ReleaseContents(
            root=root,
            name="coded video",
            au_set=self.au_set,
            fps=Counter(collected.rates).most_common(1)[0][0] if collected.rates else self.fps,
            folds=folds,
            videos=tuple(sorted(collected.videos.values(), key=lambda video: (video.subject, video.task))),
            labels=table,
            problems=(
                *problems,
                *fold_problems,
                *similar_subjects(set(table["subject"])),
                *single_video_subjects(collected.videos),
                *_check_table(table, self.au_set, collected.rates, root),
            ),
            same_tasks=False,
        )

    def _labels_folder(self) -> Path:
        root = Path(self.root)
        if not root.is_dir():
            raise InputError(f"data.root: folder '{root}' does not exist. Set data.root to the folder of the videos.")
        if self.labels is None:
            return root
        for folder in (Path(self.labels), root / self.labels):
            if folder.is_dir():
                return folder
        raise InputError(
            f"data.labels: folder '{self.labels}' does not exist. Set data.labels to the folder of the code files."
        )

    def _code_settings(self) -> CodeSettings:
        mapping = (
            {}
            if self.mapping is None
            else read_mapping(self.mapping)
            if isinstance(self.mapping, str | Path)
            else parse_mapping(self.mapping, where="data.release.mapping")
        )
        return CodeSettings(
            mapping=mapping,
            threshold=self.threshold,
            point_seconds=self.point_seconds,
            coding_fps=self.coding_fps,
            first_frame=self.first_frame,
            absent=self.absent,
        )

    def _read_video(self, path: Path, codes: Path, collected: "_Collected", settings: CodeSettings) -> None:
        """Add a video with its labels, or the problem that prevents it."""
        where = path
        try:
            video, fps = self._open(
                path, subject_of(path, codes, root=Path(self.root), subject=self.subject), collected
            )
            where = codes
            num_frames = int(video.numbers[-1]) + 1
            table, problems = read_codes(codes, au_set=self.au_set, fps=fps, num_frames=num_frames, settings=settings)
        except InputError as error:
            text, _, fix = str(error).removeprefix(f"{path} ").replace(str(path), path.name).partition("; ")
            collected.problems.append(Problem(str(where), text, fix=fix))
            return
        collected.problems += problems
        if any(problem.what.startswith("frame-rate mismatch") for problem in problems):
            return  # all labels would be shifted
        other = collected.videos.setdefault((video.subject, video.task), video)
        if other is not video:
            what = f"{video.name} exists twice: also {_relative(str(other.path), Path(self.root))}"
            collected.problems.append(Problem(str(path), what, fix="rename one of the videos"))
            return
        collected.rates.append(fps)
        collected.labels.append(table.assign(subject=video.subject, task=video.task, file=str(codes)))

    def _open(self, path: Path, subject: str, collected: "_Collected") -> tuple[ReleaseVideo, float]:
        """Return a video and its frame rate."""
        if path.is_dir():
            names = list(open_image_folder(path).names)
            by_number, repeated = numbered_images(names)
            first = min(by_number, default=0)
            is_numbered = len(by_number) == len(names) and not repeated
            images = {n - first: by_number[n] for n in sorted(by_number)} if is_numbered else dict(enumerate(names))
            numbers = np.array(list(images), dtype=np.int64)
            return ReleaseVideo(subject, video_name(path), path, numbers, images), self.fps
        timing = video_timing(path)
        if timing.is_variable:
            what = f"variable frame rate: a frame is {timing.drift:.1f} frames from its place at {timing.fps:.2f} fps"
            fix = "convert it to a constant rate: ffmpeg -i <video> -vf fps=25 <new video>"
            collected.problems.append(Problem(str(path), what, 1, fix))
        numbers = np.arange(timing.num_frames, dtype=np.int64)
        return ReleaseVideo(subject, video_name(path), path, numbers, None), timing.fps

    def _assign_folds(self, table: pd.DataFrame) -> tuple[dict[int, tuple[str, ...]], list[Problem]]:
        subjects = tuple(sorted(set(table["subject"])))
        if not subjects:
            return {}, []
        labels = table.replace({column: {UNKNOWN: MISSING} for column in self.au_set.columns})
        try:
            return assign_folds(labels, **{**FOLD_DEFAULTS, **self.folds}), []
        except (InputError, TypeError) as error:
            return {1: subjects}, [Problem("folds", str(error).rstrip("."), 1, "set data.folds, or add subjects")]


@dataclass
class _Collected:
    """Videos and labels that were read so far."""

    problems: list[Problem]
    videos: dict[tuple[str, str], ReleaseVideo] = field(default_factory=dict)
    labels: list[pd.DataFrame] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def table(self, au_set: ActionUnitSet) -> pd.DataFrame:
        """Return the labels of all videos, see :class:`ReleaseContents`."""
        columns = ["subject", "task", "frame", "file", *au_set.columns]
        if not self.labels:
            return pd.DataFrame(columns=columns)
        table = pd.concat(self.labels, ignore_index=True)[columns]
        return table.replace({column: {MISSING: UNKNOWN} for column in au_set.columns})


def _check_table(table: pd.DataFrame, au_set: ActionUnitSet, rates: Sequence[float], root: Path) -> list[Problem]:
    """Return action units that are never active, and the note that videos have several frame rates."""
    problems = []
    for column in au_set.columns if len(table) else ():
        if not (table[column] == 1).any():
            fix = "remove it from data.au_set.aus, or map its name with data.release.mapping"
            problems.append(Problem(str(root), f"{column} is active in no frame of all videos", 1, fix))
    if rates and max(rates) > 1.02 * min(rates):
        what = f"videos from {min(rates):g} to {max(rates):g} fps; the network uses frames, not seconds"
        problems.append(Problem(str(root), what, len(set(rates)), level="note"))
    return problems


def _relative(where: str, root: Path) -> str:
    path = Path(where)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else where


def _plain(value: Any) -> Any:
    """Return a value of lists, dictionaries and scalars only, as YAML stores it."""
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
