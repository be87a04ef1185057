"""Maps of a frozen backbone for every frame of a prepared data set: a training that reads them needs no backbone.

::

    <folder>/maps.npy       (2, F, S) float16: all frames as they are, then mirrored; S is what a packed frame takes
    <folder>/made_of.yaml   fingerprints of the data set and of the backbone, size of the frames in pixels

Such a training sees no colour jitter and no random crop, only the flip.
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from rich.progress import track
from torch import Tensor

from mdhr.data.frames import read_frame
from mdhr.data.manifest import DESCRIPTION, Manifest
from mdhr.data.transforms import normalise, resize
from mdhr.data.whole_folder import whole_folder
from mdhr.errors import InputError

MAPS, MADE_OF = "maps.npy", "made_of.yaml"
MAKE_THEM = "make them with python -m mdhr.store_maps and the settings of the training"


class StoredMaps:
    """Packed maps of the frames of a data set, read from disk as they are needed.

    Parameters
    ----------
    folder: what :func:`write_stored_maps` wrote.
    manifest: the whole data set; rows of the maps are counted by it, so none of its frames may be dropped.
    crop_size: the size that the network sees it at, in pixels.

    Raises ``InputError`` if there are none, or if they were made of another data set or size.
    """

    def __init__(self, folder: str | Path, *, manifest: Manifest, crop_size: int) -> None:
        self.folder = Path(folder)
        if not (self.folder / MADE_OF).is_file():
            raise InputError(f"there are no stored maps in {folder}: {MAKE_THEM}")
        made_of = yaml.safe_load((self.folder / MADE_OF).read_text())
        for key, value in _made_of(manifest, crop_size).items():
            if made_of[key] != value:
                raise InputError(f"the stored maps in {folder} are of another {key}: {MAKE_THEM}")
        self.backbone: str = made_of["backbone"]
        self._packed = np.load(self.folder / MAPS, mmap_mode="r")
        self._row = {path: row for row, path in enumerate(_paths(manifest))}

    def check_backbone(self, fingerprint: str) -> None:
        """Raise ``InputError`` if they come from another backbone."""
        if fingerprint != self.backbone:
            raise InputError(f"the stored maps in {self.folder} are of another backbone: {MAKE_THEM}")

    def read(self, paths: Sequence[str], *, mirrored: bool) -> Tensor:
        """``T S 1 1`` float16, the packed maps of the T frames in these files."""
        rows = [self._row[path] for path in paths]
        return torch.from_numpy(self._packed[int(mirrored), rows])[:, :, None, None]


def write_stored_maps(
    folder: Path,
    *,
    manifest: Manifest,
    crop_size: int,
    pack: Callable[[Tensor], Tensor],
    fingerprint: str,
    batch_size: int = 64,
) -> None:
    """Store what ``pack`` makes of every frame, ``n 3 H W`` to ``n S 1 1``; the folder appears when it is whole.

    Raises ``InputError`` if a frame cannot be read or the disk is too small.
    """
    paths = _paths(manifest)
    with whole_folder(folder) as partial:
        packed = None
        for start in track(range(0, len(paths), batch_size), "maps of the frozen backbone"):
            pictures = [torch.from_numpy(read_frame(path, manifest.size)) for path in paths[start : start + batch_size]]
            frames = normalise(resize(torch.stack(pictures).movedim(-1, -3), crop_size))
            maps = torch.stack([pack(frames), pack(frames.flip(-1))]).flatten(2).half().numpy()
            if packed is None:
                shape = (2, len(paths), maps.shape[2])
                _check_space(partial, 2 * int(np.prod(shape)))
                packed = np.lib.format.open_memmap(partial / MAPS, mode="w+", dtype=np.float16, shape=shape)
            packed[:, start : start + batch_size] = maps
        assert packed is not None
        packed.flush()
        made_of = {**_made_of(manifest, crop_size), "backbone": fingerprint}
        (partial / MADE_OF).write_text(yaml.safe_dump(made_of, sort_keys=False))


def _made_of(manifest: Manifest, crop_size: int) -> dict[str, str | int]:
    description = (manifest.root / DESCRIPTION).read_bytes()
    return {"data set": hashlib.sha256(description).hexdigest(), "crop_size": crop_size}


def _paths(manifest: Manifest) -> list[str]:
    return [path for video in manifest.videos() for path in video.paths]


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"the stored maps take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free: "
            "train without data.module.maps, or store those of a smaller backbone"
        )
