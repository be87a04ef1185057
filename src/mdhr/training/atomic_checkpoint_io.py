"""Atomic writing of Lightning checkpoints."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from mdhr.files.atomic import temporary_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write a checkpoint next to its target and rename it, so that the previous one stays until the new one is on disk.

    Lightning's own writer copies the checkpoint from ``TMPDIR`` if that is on another disk, and a killed copy destroys
    both. It also holds a second copy of the checkpoint in memory.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write the checkpoint; raises ``InputError`` with the path if it cannot be written, such as on a full disk."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # torch.save reports a full disk as OSError only for an open file.
        with temporary_path(path) as temporary, temporary.open("wb") as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:
                # On a full disk its zip archive cannot be closed either, and that error hides the first.
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise
