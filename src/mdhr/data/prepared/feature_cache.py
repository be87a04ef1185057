"""Maps of a frozen backbone for every frame of a prepared data set: a training that reads them needs no backbone.

``maps.npy`` is ``(2, F, S)`` float16: all frames as they are, then mirrored; S is what a packed frame takes. Such a
training sees no color jitter and no random crop, only the flip.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mdhr.data.prepared.frame_array import StoredArray, frame_batches, write_array
from mdhr.data.prepared.manifest import Manifest
from mdhr.data.transforms import normalize, resize

WHAT = "maps"


class StoredMaps(StoredArray):
    """Packed maps of the frames of a data set that the network sees at ``crop_size`` pixels, see ``StoredArray``."""

    def __init__(self, folder: str | Path, *, manifest: Manifest, crop_size: int) -> None:
        super().__init__(folder, what=WHAT, manifest=manifest, made_of={"crop_size": crop_size})

    def check_backbone(self, fingerprint: str) -> None:
        """Raise ``InputError`` if they come from another backbone."""
        self.check(backbone=fingerprint)

    def read(self, paths: Sequence[str], *, mirrored: bool) -> Tensor:
        """``T S`` float16, the packed maps of the T frames in these files."""
        return torch.from_numpy(self.array[int(mirrored), self.rows(paths)])


def write_stored_maps(
    folder: Path, *, manifest: Manifest, crop_size: int, pack: Callable[[Tensor], Tensor], fingerprint: str
) -> None:
    """Store what ``pack`` makes of every frame, ``n 3 H W`` to ``n S``; the folder appears when it is whole.

    Raises ``InputError`` if a frame cannot be read or the disk is too small.
    """

    def packed(pictures: np.ndarray) -> np.ndarray:
        frames = normalize(resize(torch.from_numpy(pictures).movedim(-1, -3), crop_size))
        return torch.stack([pack(frames), pack(frames.flip(-1))]).half().numpy()

    write_array(
        folder,
        what=WHAT,
        manifest=manifest,
        made_of={"crop_size": crop_size, "backbone": fingerprint},
        batches=map(packed, frame_batches(manifest, message="maps of the frozen backbone")),
        axis=1,
    )
