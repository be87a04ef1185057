"""Opens every file of a data set to see whether it is what it should be, in several processes."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from mdhr.data.releases.release import RawVideo
from mdhr.data.video.decoding import read_video
from mdhr.data.video.frame_images import decode_image
from mdhr.errors import InputError
from mdhr.files.checksums import SHORT, content_checksum
from mdhr.files.worker_pool import count, frame_progress, run_all

FEW = 2000
"""Files for which it does not pay to start processes."""


def readable_frames(videos: Sequence[RawVideo], frames: pd.DataFrame, *, num_workers: int | None) -> pd.Series:
    """Which rows of ``frames`` (video, frame, and whether it is pictured, labeled and coded) can be decoded.

    Frames that nobody uses are left alone, and so are those without a picture.
    """
    opened = frames["video"].isin([video.name for video in videos])
    wanted = frames[opened & frames["pictured"] & frames["labeled"] & frames["coded"]]
    rows = wanted.groupby("video").indices
    items = [(video, wanted["frame"].to_numpy()[rows[video.name]]) for video in videos if video.name in rows]
    readable = pd.Series(True, index=frames.index)
    with frame_progress("decoding", total=len(wanted), done=0) as bar:
        for name, good in run_all(
            _decode, None, items, num_workers=_workers(len(wanted), num_workers), progress=bar.update
        ):
            readable.loc[wanted.index[rows[name]]] = good
    return readable


def stored_images(table: pd.DataFrame, root: Path, *, num_workers: int | None) -> pd.DataFrame:
    """For every row of a prepared table whether its image is there, whole, and how large it is (``512 x 512``).

    Whole is what has the checksum that the table says or, where it says none, can be decoded.
    """
    checksums = table["checksum"] if "checksum" in table else pd.Series(None, index=table.index, dtype=object)
    files = list(zip(table["path"], checksums, strict=True))
    items = [(start, files[start : start + FEW]) for start in range(0, len(files), FEW)]
    found: dict[int, list[tuple[bool, bool, str]]] = {}
    with frame_progress("checking", total=len(files), done=0) as bar:
        workers = _workers(len(files), num_workers)
        for start, rows in run_all(_look_at, root, items, num_workers=workers, progress=bar.update):
            found[start] = rows
    rows = [row for start in sorted(found) for row in found[start]]
    return pd.DataFrame(rows, columns=["there", "whole", "size"], index=table.index)


def _workers(num_files: int, num_workers: int | None) -> int | None:
    return 1 if num_files <= FEW else num_workers


def _decode(_: None, item: tuple[RawVideo, np.ndarray]) -> tuple[str, np.ndarray]:
    video, numbers = item
    good = np.zeros(len(numbers), bool)
    if video.images is None:
        good = numbers < video.numbers[0] + _decoded_pictures(video.path)
        count(len(numbers))
        return video.name, good
    for i, number in enumerate(numbers):
        good[i] = _is_image(video.path / video.images[int(number)])
        count(1)
    return video.name, good


def _decoded_pictures(path: Path) -> int:
    """How many pictures come out of a video before it ends or breaks."""
    num = 0
    try:
        for _ in read_video(path):
            num += 1
    except InputError:
        pass
    return num


def _is_image(path: Path) -> bool:
    try:
        decode_image(path.read_bytes())
    except Exception:  # whatever a decoder says of a broken file
        return False
    return True


def _look_at(root: Path, item: tuple[int, list[tuple[str, Any]]]) -> tuple[int, list[tuple[bool, bool, str]]]:
    start, files = item
    return start, [_look_at_one(root / path, checksum) for path, checksum in files]


def _look_at_one(path: Path, checksum: Any) -> tuple[bool, bool, str]:
    count(1)
    try:
        content = path.read_bytes()
    except (OSError, ValueError):
        return False, True, ""
    try:
        image = Image.open(io.BytesIO(content))  # reads the header alone
        size = f"{image.width} x {image.height}"
        if isinstance(checksum, str) and checksum:
            return True, content_checksum(content, digits=SHORT) == checksum, size
        decode_image(content)
    except Exception:  # whatever a decoder says of a broken file
        return True, False, ""
    return True, True, size
