"""Checks of the image files of a prepared data set."""

import io
import os
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from mdhr.data.video.frame_images import MAX_FILE_BYTES, decode_image
from mdhr.files.checksums import SHORT, content_checksum
from mdhr.files.regular_file import read_regular
from mdhr.files.worker_pool import MIN_FILES, count, frame_progress, num_workers_for, run_all


def check_images(table: pd.DataFrame, root: Path, *, num_workers: int | None) -> pd.DataFrame:
    """Return ``exists``, ``intact`` and ``size`` (``256 x 256``) of the image of every row; shows progress.

    An image is intact if it has the checksum of the table or, without a checksum, can be decoded.

    Args:
        table: ``path`` relative to ``root`` and, if available, ``checksum``.
    """
    checksums = table["checksum"] if "checksum" in table else pd.Series(None, index=table.index, dtype=object)
    files = list(zip(table["path"], checksums, strict=True))
    items = [(start, files[start : start + MIN_FILES]) for start in range(0, len(files), MIN_FILES)]
    results: dict[int, list[tuple[bool, bool, str]]] = {}
    with frame_progress("checking", total=len(files), done=0) as bar:
        workers = num_workers_for(len(files), num_workers)
        for start, rows in run_all(_check_files, root, items, num_workers=workers, progress=bar.update):
            results[start] = rows
    rows = [row for start in sorted(results) for row in results[start]]
    return pd.DataFrame(rows, columns=["exists", "intact", "size"], index=table.index)


def _check_files(root: Path, item: tuple[int, list[tuple[str, Any]]]) -> tuple[int, list[tuple[bool, bool, str]]]:
    start, files = item
    return start, [_check_file(root / path, checksum) for path, checksum in files]


def _check_file(path: Path, checksum: Any) -> tuple[bool, bool, str]:
    count(1)
    if not os.path.isfile(path):
        return False, True, ""
    try:
        content = read_regular(path, max_bytes=MAX_FILE_BYTES)
        image = Image.open(io.BytesIO(content))  # reads only the header
        size = f"{image.width} x {image.height}"
        if isinstance(checksum, str) and checksum:
            return True, content_checksum(content, digits=SHORT) == checksum, size
        decode_image(content)
    except Exception:  # InputError, and various errors of decoders for broken files
        return True, False, ""
    return True, True, size
