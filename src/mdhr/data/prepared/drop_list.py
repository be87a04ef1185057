"""Frames that are left out of training and testing, by number.

A drop list is a YAML file of videos, each with single frames and ranges, both ends included::

    M003/T7: [1386-1461]
    F021/T3: [223-227, 240]
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from mdhr.data.prepared.manifest import Manifest
from mdhr.errors import InputError

_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def without_dropped(manifest: Manifest, path: str | Path) -> Manifest:
    """The manifest without the frames of a drop list; clips go on behind a gap as if nothing had been there.

    Raises ``InputError`` if the file cannot be read, names a video that is not there, or drops no frame of one.
    """
    table = manifest.table
    video = table["subject"] + "/" + table["task"]
    dropped = np.zeros(len(table), dtype=bool)
    for name, ranges in _read(Path(path)).items():
        frames = table["frame"].where(video == name)
        these = np.zeros(len(table), dtype=bool)
        for first, last in ranges:
            these |= frames.between(first, last).to_numpy()
        if not these.any():
            reason = "no such frame of it is" if (video == name).any() else "no such video is"
            raise InputError(f"{path}: {name}: {reason} in {manifest.root}: correct the list")
        dropped |= these
    return replace(manifest, table=table[~dropped].reset_index(drop=True))


def _read(path: Path) -> dict[str, list[tuple[int, int]]]:
    try:
        listed = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InputError(f"cannot read the drop list {path}: {error.strerror}: correct data.drop_list") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no drop list: {' '.join(str(error).split())}") from error
    if not isinstance(listed, dict) or not all(isinstance(ranges, list) for ranges in listed.values()):
        raise InputError(f"{path} is no drop list: write lines like F021/T3: [223-227, 240]")
    return {str(name): [_range(path, name, entry) for entry in ranges] for name, ranges in listed.items()}


def _range(path: Path, name: object, entry: object) -> tuple[int, int]:
    match = _RANGE.fullmatch(str(entry))
    if not match:
        raise InputError(f"{path}: {name}: {entry!r} is neither a frame nor a range like 223-227")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise InputError(f"{path}: {name}: {entry!r} ends before it begins")
    return first, last
