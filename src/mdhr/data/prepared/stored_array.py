"""Array on disk with one entry per frame of a prepared data set.

::

    <folder>/<content>.npy      one axis counts the frames in the order of the manifest
    <folder>/cache_key.yaml     fingerprint of the data set and everything else that determines the values
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
from mdhr.files.regular_file import check_regular
from mdhr.files.yaml_files import read_yaml

CACHE_KEY = "cache_key.yaml"


class StoredArray:
    """Memory-mapped array written by :func:`write_array`.

    Args:
        content: ``frames`` or ``features``: name of the array, of its setting (``data.module.frames``) and of the command
            that writes it (``mdhr store-frames``).
        manifest: complete data set. Entries are counted by its rows, so no frames may be dropped from it.
        key: everything besides the data set that determines the values.

    Raises ``InputError`` if the folder contains no such array, a damaged one, or one with another key.
    """

    def __init__(self, folder: str | Path, *, content: str, manifest: Manifest, key: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.content = content
        if not (self.folder / CACHE_KEY).is_file():
            raise InputError(
                f"data.module.{content}={folder}: there are no stored {content} in this folder. {self._advice}"
            )
        key_of_array = read_yaml(self.folder / CACHE_KEY)
        self.key: dict[str, Any] = key_of_array if isinstance(key_of_array, dict) else {}
        self.check(**{"data set": fingerprint(manifest)}, **key)
        self._row = {path: row for row, path in enumerate(frame_paths(manifest))}
        self._open()

    def check(self, **key: Any) -> None:
        """Raise ``InputError`` if the array has another value for any of these entries of its key."""
        for name, value in key.items():
            if self.key.get(name) != value:
                raise InputError(f"the stored {self.content} in {self.folder} are of another {name}. {self._advice}")

    def rows(self, paths: Sequence[str]) -> list[int]:
        """Return the entries of the frames in these image files."""
        return [self._row[path] for path in paths]

    @property
    def _advice(self) -> str:
        return f"Write them with `mdhr store-{self.content}` and the settings of the training (docs/data.md)."

    def _open(self) -> None:
        path = self.folder / f"{self.content}.npy"
        try:
            check_regular(path)
            # A plain array on the mapped file: slices of a memmap cost several times as much.
            self.array: np.ndarray = np.asarray(np.load(path, mmap_mode="r"))
        except (OSError, ValueError, EOFError) as error:  # InputError is a ValueError
            raise InputError(f"{path} is missing or damaged. {self._advice}") from error

    def __getstate__(self) -> dict[str, Any]:
        """Exclude the array: a pickle would contain all of it. Worker processes open the file again."""
        return {key: value for key, value in self.__dict__.items() if key != "array"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


def write_array(
    folder: Path,
    *,
    content: str,
    manifest: Manifest,
    key: Mapping[str, Any],
    batches: Iterable[np.ndarray],
    axis: int = 0,
) -> None:
    """Write an array that :class:`StoredArray` reads.

    An existing array is replaced when the new one is complete.

    Args:
        batches: arrays whose ``axis`` counts frames; together all frames of the data set in order.

    Raises ``InputError`` if the folder contains anything else, another process writes to it, or the disk has too little
    space.
    """
    setting = f"data.module.{content}"
    stored = {CACHE_KEY, f"{content}.npy"}
    if folder.exists() and not (folder.is_dir() and {path.name for path in folder.iterdir()} <= stored):
        raise InputError(
            f"{folder} exists and contains something else than stored {content}. "
            f"Choose another {setting} or delete the folder."
        )
    array, row = None, 0
    with atomic_folder(folder, setting=setting) as partial:
        for batch in batches:
            if array is None:
                shape = (*batch.shape[:axis], len(frame_paths(manifest)), *batch.shape[axis + 1 :])
                _check_space(folder, shutil.disk_usage(partial).free, int(np.prod(shape)) * batch.itemsize, content)
                path = partial / f"{content}.npy"
                array = np.lib.format.open_memmap(path, mode="w+", dtype=batch.dtype, shape=shape)
            stop = row + batch.shape[axis]
            array[(slice(None),) * axis + (slice(row, stop),)] = batch
            row = stop
        assert array is not None
        array.flush()
        complete_key = {"data set": fingerprint(manifest), **key}
        (partial / CACHE_KEY).write_text(yaml.safe_dump(complete_key, sort_keys=False))


def frame_batches(manifest: Manifest, *, message: str, batch_size: int = 64) -> Iterator[np.ndarray]:
    """Yield all frames of a data set in order, ``(n, S, S, 3)`` uint8 RGB, with a progress bar.

    Raises ``InputError`` if a frame cannot be read.
    """
    paths = frame_paths(manifest)
    for start in track(range(0, len(paths), batch_size), message):
        yield np.stack([read_frame(path, manifest.size) for path in paths[start : start + batch_size]])


def frame_paths(manifest: Manifest) -> list[str]:
    """Return the image files of all frames, video by video."""
    return [path for video in manifest.videos() for path in video.paths]


def fingerprint(manifest: Manifest) -> str:
    """Return the checksum of ``prepared.yaml``, which contains the checksum of the table.

    Raises ``InputError`` if the data set has no ``prepared.yaml``.
    """
    description = manifest.root / DESCRIPTION
    if not description.is_file():
        raise InputError(
            f"{manifest.root} contains no {DESCRIPTION}. Only prepared data sets can be stored; run `mdhr prepare`."
        )
    return file_checksum(description)


def _check_space(folder: Path, free: int, needed: int, content: str) -> None:
    if needed > free:
        raise InputError(
            f"the stored {content} need {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free in "
            f"{folder.parent}. Choose another folder or train without data.module.{content}."
        )
