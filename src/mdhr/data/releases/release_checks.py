"""Check of a release: subjects, videos, frames and labels."""

from collections.abc import Collection
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from mdhr.data.column_checks import ColumnCheck, check_columns, is_true, is_zero, one_of
from mdhr.data.fold_checks import absence_report, check_fold_subjects
from mdhr.data.prepared.manifest import KEY, UNKNOWN
from mdhr.data.problems import Problem
from mdhr.data.releases.contents import ReleaseContents
from mdhr.data.releases.frame_decoding import decodable_frames
from mdhr.data.releases.frame_shift import shifted_videos

EXISTS = ColumnCheck(is_valid=is_true, what="no such video, but other subjects have {task}")
HAS_LABELS = ColumnCheck(is_valid=is_true, what="frames without a readable label file", fix="restore the label file")
HAS_FRAMES = ColumnCheck(
    is_valid=is_true, what="labels without images or a readable video", fix="restore the images or the video"
)

OCCURRENCE = ColumnCheck(
    is_valid=one_of((0, 1, UNKNOWN), or_empty=True),
    what="label {value} of {column} in frame {frame} is not 0, 1 or 9",
    fix="correct it, or write 9 or nothing for unknown",
    where="file",
)
INTENSITY = ColumnCheck(
    is_valid=one_of(range(6)),
    what="{value} of {column} in frame {frame}, counted from 0, is not from 0 to 5",
    fix="correct it, or copy the file again",
    where="file",
)
SINGLE_LINE = ColumnCheck(
    is_valid=is_zero, what="frame {frame} has more than one line", fix="delete the surplus lines", where="file"
)

HAS_IMAGE = ColumnCheck(
    is_valid=is_true,
    what="labels without a frame: no image of frame {frame}",
    fix="restore the images; check whether their numbers belong to another video",
)
HAS_LABEL = ColumnCheck(
    is_valid=is_true,
    what="frames without labels: no line for frame {frame}",
    fix="restore the lines; to exclude frames, use a drop list",
)
NO_GAP = ColumnCheck(
    is_valid=is_zero,
    what="{value} frames are missing before frame {frame}, images and labels",
    fix="restore them; to exclude frames, use a drop list",
)
IN_RANGE = ColumnCheck(
    is_valid=is_true,
    what="frames before the first or after the last labeled one, first {frame} of {video}; they are not used",
    where="release",
    level="note",
)
DECODABLE = ColumnCheck(
    is_valid=is_true, what="frame {frame} is truncated or not an image", fix="copy it from the release again"
)


def check_release(
    release: ReleaseContents, *, deep: bool = False, partial: bool = False, num_workers: int | None = None
) -> list[Problem]:
    """Return all problems of a release, those of its reader first.

    Args:
        deep: also decode every labeled frame, which takes as long as reading all of them.
        partial: report absent subjects and videos as notes instead of errors.
        num_workers: processes that decode; None is one per core.
    """
    labels = release.labels.assign(video=_video_names(release.labels), repeats=release.labels.duplicated(KEY))
    intensities = [column for column in labels if str(column).startswith("intensity_")]
    cell_checks = dict.fromkeys(intensities, INTENSITY) or dict.fromkeys(release.au_set.columns, OCCURRENCE)
    shifted = shifted_videos(release)
    frames = _frame_table(release, labels)
    is_shifted = frames["video"].isin([problem.where for problem in shifted])
    frames[["has_image", "in_range"]] = frames[["has_image", "in_range"]].where(~is_shifted, True)  # reported once
    frame_checks = {"has_image": HAS_IMAGE, "has_label": HAS_LABEL, "gap": NO_GAP, "in_range": IN_RANGE}
    if deep:
        frames["decodable"] = decodable_frames(release.videos, frames, num_workers=num_workers)
        frame_checks["decodable"] = DECODABLE
    subjects = {video.subject for video in release.videos} | set(labels["subject"])
    return [
        *release.problems,
        *check_fold_subjects(release.folds, subjects, partial=partial),
        *shifted,
        *_check_videos(release, labels, subjects, partial=partial),
        *check_columns(labels, {**cell_checks, "repeats": SINGLE_LINE}),
        *check_columns(frames, frame_checks),
    ]


def _check_videos(
    release: ReleaseContents, labels: pd.DataFrame, subjects: Collection[str], *, partial: bool
) -> list[Problem]:
    """Return absent videos, unless tasks differ between subjects, and videos without labels or frames."""
    with_frames = {(video.subject, video.task) for video in release.videos}
    with_labels = set(labels[["subject", "task"]].drop_duplicates().itertuples(index=False, name=None))
    tasks = sorted({task for _, task in with_frames | with_labels})
    expected = list(product(sorted(subjects), tasks)) if release.same_tasks else sorted(with_frames | with_labels)
    table = pd.DataFrame(expected, columns=["subject", "task"], dtype=str)
    videos = list(table.itertuples(index=False, name=None))
    exists = [video in with_frames or video in with_labels for video in videos]
    table = table.assign(
        video=_video_names(table),
        exists=exists,
        has_labels=[video in with_labels or not found for video, found in zip(videos, exists, strict=True)],
        has_frames=[video in with_frames or not found for video, found in zip(videos, exists, strict=True)],
    )
    fix, level = absence_report(partial=partial)
    checks = {"exists": replace(EXISTS, fix=fix, level=level), "has_labels": HAS_LABELS, "has_frames": HAS_FRAMES}
    return check_columns(table, checks)


def _frame_table(release: ReleaseContents, labels: pd.DataFrame) -> pd.DataFrame:
    """Return one row per frame that has an image, a line of labels or both, with the columns to check.

    A column is true if there is nothing to report: ``has_image`` also for videos without any images, ``has_label``
    also for frames outside the labeled range. ``gap`` is the number of frames missing before the frame.
    """
    videos = release.videos
    images = pd.DataFrame(
        {
            "video": np.repeat([video.name for video in videos], [len(video.numbers) for video in videos]),
            "frame": np.concatenate([np.empty(0, np.int64), *(video.numbers for video in videos)]),
        }
    )
    lines = labels[["video", "frame"]].drop_duplicates()
    lines, images = (part.astype({"video": str, "frame": np.int64}) for part in (lines, images))
    frames = lines.merge(images, how="outer", on=["video", "frame"], indicator="source")  # sorted by both
    labeled_range = lines.groupby("video")["frame"].agg(["min", "max"])
    first, last = (frames["video"].map(labeled_range[end]).astype(float) for end in ("min", "max"))
    inside = frames["frame"].between(first, last)
    step = frames.groupby("video")["frame"].diff()
    return frames.assign(
        release=release.name,
        has_image=(frames["source"] != "left_only") | ~frames["video"].isin([video.name for video in videos]),
        has_label=(frames["source"] != "right_only") | ~inside,
        gap=(step - 1).where(inside & (frames["frame"] > first), 0).astype(int),
        in_range=inside | first.isna(),
    )


def _video_names(table: pd.DataFrame) -> pd.Series:
    return table["subject"].astype(str) + "/" + table["task"].astype(str)
