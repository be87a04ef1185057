"""Test decoding of the frames of a release."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.data.releases.contents import ReleaseVideo
from mdhr.data.video.decoding import decode_video
from mdhr.data.video.frame_images import read_image
from mdhr.errors import InputError
from mdhr.files.worker_pool import count, frame_progress, num_workers_for, run_all


def decodable_frames(videos: Sequence[ReleaseVideo], frames: pd.DataFrame, *, num_workers: int | None) -> pd.Series:
    """Return which rows of ``frames`` can be decoded; shows progress.

    Rows without image or label, and rows outside the labeled range, are not decoded and count as decodable.

    Args:
        frames: ``video``, ``frame`` and the booleans ``has_image``, ``has_label`` and ``in_range``.
    """
    decoded = frames["video"].isin([video.name for video in videos])
    selected = frames[decoded & frames["has_image"] & frames["has_label"] & frames["in_range"]]
    rows = selected.groupby("video").indices
    items = [(video, selected["frame"].to_numpy()[rows[video.name]]) for video in videos if video.name in rows]
    result = pd.Series(True, index=frames.index)
    workers = num_workers_for(len(selected), num_workers)
    with frame_progress("decoding", total=len(selected), done=0) as bar:
        for name, decodable in run_all(_decode_video, None, items, num_workers=workers, progress=bar.update):
            result.loc[selected.index[rows[name]]] = decodable
    return result


def _decode_video(_: None, item: tuple[ReleaseVideo, np.ndarray]) -> tuple[str, np.ndarray]:
    """Return the name of a video and which of the frames with these numbers can be decoded."""
    video, numbers = item
    if video.images is None:
        decodable = numbers < video.numbers[0] + _count_decodable(video.path)
        count(len(numbers))
        return video.name, decodable
    decodable = np.zeros(len(numbers), bool)
    for i, number in enumerate(numbers):
        decodable[i] = _is_image(video.path / video.images[int(number)])
        count(1)
    return video.name, decodable


def _count_decodable(path: Path) -> int:
    """Return the number of frames before a video ends or cannot be decoded."""
    num_frames = 0
    try:
        for _ in decode_video(path, notes=[]):
            num_frames += 1
    except InputError:
        pass
    return num_frames


def _is_image(path: Path) -> bool:
    try:
        read_image(path)
    except InputError:
        return False
    return True
