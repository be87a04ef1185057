"""Drop list: frames that are excluded from training and testing.

A drop list is a YAML file that maps videos to frame numbers and ranges, both ends included::

    M003/T7: [1386-1461]
    F021/T3: [223-227, 240]
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from mdhr.data.prepared.manifest import Manifest
from mdhr.errors import InputError, shown
from mdhr.files.yaml_files import read_yaml

_RANGE = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?")


def without_dropped(manifest: Manifest, path: str | Path) -> Manifest:
    """Return the manifest without the frames of a drop list. Clips continue across the gaps.

    Raises ``InputError`` if the file cannot be read, or contains a video that does not exist or of which no frame is
    dropped.
    """
    table = manifest.table
    video = table["subject"] + "/" + table["task"]
    dropped = np.zeros(len(table), dtype=bool)
    for name, ranges in _read(Path(path)).items():
        frames = table["frame"].where(video == name)
        selected = np.zeros(len(table), dtype=bool)
        for first, last in ranges:
            selected |= frames.between(first, last).to_numpy()
        if not selected.any():
            missing = "frames" if (video == name).any() else "video"
            raise InputError(f"{path}: {shown(name)}: no such {missing} in {manifest.root}. Correct the drop list.")
        dropped |= selected
    return replace(manifest, table=table[~dropped].reset_index(drop=True))


def _read(path: Path) -> dict[str, list[tuple[int, int]]]:
    try:
        listed = read_yaml(path)
    except InputError as error:
        raise InputError(f"data.module.drop_list: {error}") from error
    if not isinstance(listed, dict) or not all(isinstance(ranges, list) for ranges in listed.values()):
        raise InputError(f"{path} is not a drop list. Expected lines such as F021/T3: [223-227, 240].")
    return {str(name): [_range(path, name, entry) for entry in ranges] for name, ranges in listed.items()}


def _range(path: Path, name: object, entry: object) -> tuple[int, int]:
    match = _RANGE.fullmatch(str(entry))
    if not match:
        raise InputError(f"{path}: {shown(name)}: {shown(entry)!r} is not a frame number or a range such as 223-227")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise InputError(f"{path}: {shown(name)}: the end of range {entry!r} is smaller than its start")
    return first, last
