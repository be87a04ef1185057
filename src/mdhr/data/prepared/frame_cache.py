"""Decoded frames of a prepared data set, stored so that training decodes no images.

``frames.npy`` is ``(F, S, S, 3)`` uint8 RGB at the size of the data set. Clips are identical to those from image files.
"""

from pathlib import Path

import numpy as np

from mdhr.data.prepared.manifest import Manifest
from mdhr.data.prepared.stored_array import StoredArray, frame_batches, write_array

CONTENT = "frames"


class StoredFrames(StoredArray):
    """Decoded frames of a data set."""

    def __init__(self, folder: str | Path, *, manifest: Manifest) -> None:
        super().__init__(folder, content=CONTENT, manifest=manifest, key={})

    def read(self, path: str) -> np.ndarray:
        """Return the frame of an image file, ``(S, S, 3)`` uint8, read-only."""
        return self.array[self._row[path]]


def write_stored_frames(folder: Path, *, manifest: Manifest) -> None:
    """Write every frame of a data set.

    Raises ``InputError`` if a frame cannot be read or the disk has too little space.
    """
    batches = frame_batches(manifest, message="frames as pixels")
    write_array(folder, content=CONTENT, manifest=manifest, key={}, batches=batches)
