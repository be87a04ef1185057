"""Checks a raw release: every frame, video and subject that is not as it should be."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from mdhr.data.column_rules import Rule, broken, is_true, is_zero, one_of
from mdhr.data.prepared.manifest import UNKNOWN
from mdhr.data.readable_files import readable_frames
from mdhr.data.releases.release import Problem, RawRelease

THERE = Rule(holds=is_true, what="no such video, but others have {task}")
HAS_LABELS = Rule(holds=is_true, what="frames without a label file that can be read", mend="bring the labels back")
HAS_FRAMES = Rule(holds=is_true, what="labels without images or a video that can be read", mend="bring the frames back")

OCCURRENCE = Rule(
    holds=one_of((0, 1, UNKNOWN)),
    what="label {value} of {column} in frame {frame} is none of 0, 1, 9",
    mend="correct it, or write 9 for unknown",
    where="file",
)
INTENSITY = Rule(
    holds=one_of(range(6)),
    what="{value} of {column} in frame {frame}, counted from 0, is none of 0 to 5",
    mend="correct it, or copy the file again",
    where="file",
)
ONCE = Rule(
    holds=is_zero, what="frame {frame} has more than one line", mend="delete those that are too many", where="file"
)

PICTURED = Rule(
    holds=is_true,
    what="labels without a frame: no picture of frame {frame}",
    mend="bring the pictures back; are they off by one, or of another video?",
)
LABELLED = Rule(
    holds=is_true,
    what="frames without labels: no line for frame {frame}",
    mend="bring the lines back; to leave frames out use a drop list",
)
NO_GAP = Rule(
    holds=is_zero,
    what="{value} frames are missing before frame {frame}, pictures and labels",
    mend="bring them back; to leave frames out use a drop list",
)
CODED = Rule(
    holds=is_true,
    what="frames before or after the coded ones, first {frame} of {video}; they are not used",
    where="release",
    level="note",
)
READABLE = Rule(holds=is_true, what="frame {frame} is truncated or no image", mend="copy it from the release again")


def check_release(
    release: RawRelease, *, deep: bool = False, partial: bool = False, num_workers: int | None = None
) -> list[Problem]:
    """Everything that is wrong with a release; what its reader found comes first.

    Parameters
    ----------
    deep: decode every labeled frame, which takes as long as reading them all does.
    partial: subjects and videos that are not there are notes instead of errors.
    num_workers: processes that decode; None is one a core.
    """
    labels = release.labels.assign(
        video=_names(release.labels), repeats=release.labels.duplicated(["subject", "task", "frame"])
    )
    intensities = [column for column in labels if str(column).startswith("intensity_")]
    cells = dict.fromkeys(intensities, INTENSITY) or dict.fromkeys(release.au_set.columns, OCCURRENCE)
    frames = _frames(release, labels)
    rules = {"pictured": PICTURED, "labeled": LABELLED, "gap": NO_GAP, "coded": CODED}
    if deep:
        frames["readable"] = readable_frames(release.videos, frames, num_workers=num_workers)
        rules["readable"] = READABLE
    subjects = {video.subject for video in release.videos} | set(labels["subject"])
    return [
        *release.problems,
        *check_subjects(release.folds, subjects, partial=partial),
        *_check_videos(release, labels, subjects, partial=partial),
        *broken(labels, {**cells, "repeats": ONCE}),
        *broken(frames, rules),
    ]


def check_subjects(
    folds: Mapping[int, Collection[str]], subjects: Collection[str], *, partial: bool = False
) -> list[Problem]:
    """Subjects that a fold names but that are not there, and those that are in no fold or in two."""
    problems = []
    for fold, members in folds.items():
        if absent := sorted(set(members) - set(subjects)):
            what = f"no frames and no labels of {', '.join(absent)}"
            problems.append(Problem(f"fold {fold}", what, len(absent), *_absent(partial)))
    num_folds = Counter(subject for members in folds.values() for subject in set(members))
    for subject in sorted(set(subjects) | set(num_folds)):
        if num_folds[subject] != 1:
            what = f"is a test subject of {num_folds[subject] or 'no'} fold{'s' if num_folds[subject] else ''}"
            problems.append(Problem(subject, what, mend="correct the folds, or the subject's name"))
    return problems


def _check_videos(
    release: RawRelease, labels: pd.DataFrame, subjects: Collection[str], *, partial: bool
) -> list[Problem]:
    """Every subject is expected to have the tasks that any has."""
    with_frames = {(video.subject, video.task) for video in release.videos}
    with_labels = set(labels[["subject", "task"]].drop_duplicates().itertuples(index=False, name=None))
    tasks = sorted({task for _, task in with_frames | with_labels})
    table = pd.DataFrame(list(product(sorted(subjects), tasks)), columns=["subject", "task"], dtype=str)
    key = list(table.itertuples(index=False, name=None))
    there = [video in with_frames or video in with_labels for video in key]
    table = table.assign(
        video=_names(table),
        there=there,
        has_labels=[video in with_labels or not any_ for video, any_ in zip(key, there, strict=True)],
        has_frames=[video in with_frames or not any_ for video, any_ in zip(key, there, strict=True)],
    )
    mend, level = _absent(partial)
    rules = {"there": replace(THERE, mend=mend, level=level), "has_labels": HAS_LABELS, "has_frames": HAS_FRAMES}
    return broken(table, rules)


def _frames(release: RawRelease, labels: pd.DataFrame) -> pd.DataFrame:
    """One row for every frame that has a picture, a line of labels or both."""
    videos = release.videos
    pictures = pd.DataFrame(
        {
            "video": np.repeat([video.name for video in videos], [len(video.numbers) for video in videos]),
            "frame": np.concatenate([np.empty(0, np.int64), *(video.numbers for video in videos)]),
        }
    )
    lines = labels[["video", "frame"]].drop_duplicates()
    lines, pictures = (part.astype({"video": str, "frame": np.int64}) for part in (lines, pictures))
    frames = lines.merge(pictures, how="outer", on=["video", "frame"], indicator="source")  # sorted by both
    coded = lines.groupby("video")["frame"].agg(["min", "max"])
    first, last = (frames["video"].map(coded[which]).astype(float) for which in ("min", "max"))
    inside = frames["frame"].between(first, last)
    step = frames.groupby("video")["frame"].diff()
    return frames.assign(
        release=release.name,
        pictured=(frames["source"] != "left_only") | ~frames["video"].isin([video.name for video in videos]),
        labeled=(frames["source"] != "right_only") | ~inside,
        gap=(step - 1).where(inside & (frames["frame"] > first), 0).astype(int),
        coded=inside | first.isna(),
    )


def _names(table: pd.DataFrame) -> pd.Series:
    return table["subject"].astype(str) + "/" + table["task"].astype(str)


def _absent(partial: bool) -> tuple[str, Literal["error", "note"]]:
    """How to mend what is not there, and how bad it is."""
    return ("", "note") if partial else ("bring it back, or say partial=true if it is left out on purpose", "error")
