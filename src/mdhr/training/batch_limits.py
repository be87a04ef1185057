"""Check of the settings that limit the batches of an epoch, before training starts."""

from collections.abc import Mapping
from typing import Any

from mdhr.data.datamodule import FaceVideoData
from mdhr.errors import InputError


def check_batch_limits(trainer: Mapping[str, Any], data: FaceVideoData) -> None:
    """Raise ``InputError`` if a share ``trainer.limit_*_batches`` leaves no batch of a split.

    Lightning checks the share of the test split only after training.
    """
    loaders = {"train": data.train_dataloader, "val": data.val_dataloader, "test": data.test_dataloader}
    for split, loader in loaders.items():
        limit = trainer.get(f"limit_{split}_batches")
        if isinstance(limit, float) and limit * (num_batches := len(loader())) < 1:
            raise InputError(
                f"trainer.limit_{split}_batches={limit} leaves none of {num_batches} batches: "
                f"expected at least {1 / num_batches:.3g}, or a number of batches."
            )
