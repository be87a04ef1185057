"""The frames of a prepared data set as pixels, for those who have the disk: nothing is decoded in training.

``frames.npy`` is ``(F, S, S, 3)`` uint8 RGB at the size of the data set. The clips are those of the image files.
"""

from pathlib import Path

import numpy as np

from mdhr.data.prepared.frame_array import StoredArray, frame_batches, write_array
from mdhr.data.prepared.manifest import Manifest

WHAT = "frames"


class StoredFrames(StoredArray):
    """The decoded frames of a data set, see ``StoredArray``."""

    def __init__(self, folder: str | Path, *, manifest: Manifest) -> None:
        super().__init__(folder, what=WHAT, manifest=manifest, made_of={})

    def read(self, path: str) -> np.ndarray:
        """``(S, S, 3)`` uint8, read-only: the frame in this file."""
        return self.array[self._row[path]]


def write_stored_frames(folder: Path, *, manifest: Manifest) -> None:
    """Store every frame; the folder appears when it is whole.

    Raises ``InputError`` if a frame cannot be read or the disk is too small.
    """
    batches = frame_batches(manifest, message="frames as pixels")
    write_array(folder, what=WHAT, manifest=manifest, made_of={}, batches=batches)
