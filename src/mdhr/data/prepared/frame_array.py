"""An array on disk with a place for every frame of a prepared data set, and a note of what it was made of.

::

    <folder>/<what>.npy     one axis counts the frames, in the order of the manifest
    <folder>/made_of.yaml   fingerprint of the data set, and whatever else decides the values
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.progress import track

from mdhr.data.prepared.manifest import DESCRIPTION, Manifest
from mdhr.data.video.frame_images import read_frame
from mdhr.errors import InputError
from mdhr.files.checksums import file_checksum
from mdhr.files.folders import atomic_folder

MADE_OF = "made_of.yaml"


class StoredArray:
    """What :func:`write_array` wrote, read from disk as it is needed.

    Parameters
    ----------
    what: names the array, the command that makes it and the setting it is for: ``maps`` or ``frames``.
    manifest: the whole data set; places are counted by it, so none of its frames may be dropped.
    made_of: whatever decides the values beside the data set.

    Raises ``InputError`` if there is none, or if it was made of something else.
    """

    def __init__(self, folder: str | Path, *, what: str, manifest: Manifest, made_of: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.what = what
        if not (self.folder / MADE_OF).is_file():
            raise InputError(f"there are no stored {what} in {folder}: {self._make_them}")
        self.made_of: dict[str, Any] = yaml.safe_load((self.folder / MADE_OF).read_text())
        self.check(**{"data set": fingerprint(manifest)}, **made_of)
        self._row = {path: row for row, path in enumerate(frame_paths(manifest))}
        self._open()

    def check(self, **made_of: Any) -> None:
        """Raise ``InputError`` if it was made of anything else."""
        for key, value in made_of.items():
            if self.made_of.get(key) != value:
                raise InputError(f"the stored {self.what} in {self.folder} are of another {key}: {self._make_them}")

    def rows(self, paths: Sequence[str]) -> list[int]:
        """The places of the frames in these files."""
        return [self._row[path] for path in paths]

    @property
    def _make_them(self) -> str:
        return f"make them with python -m mdhr.store_{self.what} and the settings of the training"

    def _open(self) -> None:
        # A plain array on the mapped file: slices of a memmap cost several times as much.
        self.array: np.ndarray = np.asarray(np.load(self.folder / f"{self.what}.npy", mmap_mode="r"))

    def __getstate__(self) -> dict[str, Any]:
        """Other processes open the file themselves: a pickle of the array would hold all of it."""
        return {key: value for key, value in self.__dict__.items() if key != "array"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


def write_array(
    folder: Path,
    *,
    what: str,
    manifest: Manifest,
    made_of: Mapping[str, Any],
    batches: Iterable[np.ndarray],
    axis: int = 0,
) -> None:
    """Store arrays whose ``axis`` counts frames, all of the data set in order; the folder appears when it is whole.

    An earlier array there is replaced. Raises ``InputError`` if the folder holds something else or the disk is too
    small, besides what ``batches`` raises.
    """
    if folder.exists() and not (folder / MADE_OF).is_file():
        raise InputError(
            f"{folder} is there and holds no stored {what}: choose another data.module.{what} or remove it"
        )
    array, row = None, 0
    with atomic_folder(folder) as partial:
        for batch in batches:
            if array is None:
                shape = (*batch.shape[:axis], len(frame_paths(manifest)), *batch.shape[axis + 1 :])
                _check_space(partial, int(np.prod(shape)) * batch.itemsize, what)
                array = np.lib.format.open_memmap(partial / f"{what}.npy", mode="w+", dtype=batch.dtype, shape=shape)
            stop = row + batch.shape[axis]
            array[(slice(None),) * axis + (slice(row, stop),)] = batch
            row = stop
        assert array is not None
        array.flush()
        settings = {"data set": fingerprint(manifest), **made_of}
        (partial / MADE_OF).write_text(yaml.safe_dump(settings, sort_keys=False))


def frame_batches(manifest: Manifest, *, message: str, batch_size: int = 64) -> Iterator[np.ndarray]:
    """All frames of a data set in order, ``(n, S, S, 3)`` uint8, with a bar that shows how far it is.

    Raises ``InputError`` if a frame cannot be read.
    """
    paths = frame_paths(manifest)
    for start in track(range(0, len(paths), batch_size), message):
        yield np.stack([read_frame(path, manifest.size) for path in paths[start : start + batch_size]])


def frame_paths(manifest: Manifest) -> list[str]:
    """The image files of all frames, video by video."""
    return [path for video in manifest.videos() for path in video.paths]


def fingerprint(manifest: Manifest) -> str:
    """Of the description of a prepared data set, which knows its table; ``InputError`` where there is none."""
    description = manifest.root / DESCRIPTION
    if not description.is_file():
        raise InputError(f"{manifest.root} is not in the prepared form (no {DESCRIPTION}), only that can be stored")
    return file_checksum(description)


def _check_space(folder: Path, needed: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"the stored {what} take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free: "
            f"train without data.module.{what}, or choose another folder"
        )
