"""Feature maps of a frozen backbone for every frame of a prepared data set, so that training needs no backbone.

``features.npy`` is ``(2, F, S)`` float16: all frames unchanged, then mirrored. S is the number of values per frame
(``Backbone.pack``). Of the augmentations, such a training applies the flip only.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mdhr.data.prepared.manifest import Manifest
from mdhr.data.prepared.stored_array import StoredArray, frame_batches, write_array
from mdhr.data.transforms import normalize, resize

CONTENT = "features"


class StoredFeatures(StoredArray):
    """Packed feature maps of the frames of a data set, resized to ``crop_size`` pixels."""

    def __init__(self, folder: str | Path, *, manifest: Manifest, crop_size: int) -> None:
        super().__init__(folder, content=CONTENT, manifest=manifest, key={"crop_size": crop_size})

    def check_backbone(self, fingerprint: str) -> None:
        """Raise ``InputError`` if the feature maps come from another backbone."""
        self.check(backbone=fingerprint)

    def read(self, paths: Sequence[str], *, mirrored: bool) -> Tensor:
        """Return the packed feature maps of the T frames in these image files, ``T S`` float16."""
        return torch.from_numpy(self.array[int(mirrored), self.rows(paths)])


def write_stored_features(
    folder: Path, *, manifest: Manifest, crop_size: int, pack: Callable[[Tensor], Tensor], fingerprint: str
) -> None:
    """Write the feature maps of every frame and of its mirror image.

    Args:
        pack: maps ImageNet-normalized frames ``n 3 crop_size crop_size`` to packed feature maps ``n S``.
        fingerprint: of the backbone in ``pack``.

    Raises ``InputError`` if a frame cannot be read or the disk has too little space.
    """

    def packed_features(images: np.ndarray) -> np.ndarray:
        frames = normalize(resize(torch.from_numpy(images).movedim(-1, -3), crop_size))
        return torch.stack([pack(frames), pack(frames.flip(-1))]).half().numpy()

    write_array(
        folder,
        content=CONTENT,
        manifest=manifest,
        key={"crop_size": crop_size, "backbone": fingerprint},
        batches=map(packed_features, frame_batches(manifest, message="feature maps of the frozen backbone")),
        axis=1,
    )
