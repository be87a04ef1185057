"""Split of the subjects of a data set into training, validation and test subjects."""

from typing import Literal

import numpy as np

from mdhr.data.prepared.manifest import Manifest
from mdhr.errors import InputError

Split = Literal["train", "val", "test"]
_SPLIT_STREAM = 3
"""Separates the random numbers of the split from others of the same seed."""


def split_subjects(
    manifest: Manifest, *, fold: int, protocol: str, fraction: float, seed: int, train_suffix: str = ""
) -> dict[Split, frozenset[str]]:
    """Return the subjects of each split; raises ``InputError`` if the fold is unknown or a split is empty.

    Args:
        train_suffix: subjects outside the test fold are used only if their names end in it.
    """
    if fold not in manifest.folds:
        known = ", ".join(str(number) for number in sorted(manifest.folds))
        raise InputError(f"data.fold={fold} does not exist in {manifest.name}: expected one of {known}.")
    present = set(manifest.table["subject"])
    test = present & set(manifest.folds[fold])
    train = sorted(subject for subject in present - test if subject.endswith(train_suffix))
    if protocol == "paper":
        val = test
    else:
        num_val = max(1, round(fraction * len(train)))
        order = np.random.default_rng([_SPLIT_STREAM, seed, fold]).permutation(len(train))
        val = {train[i] for i in order[:num_val]}
    splits: dict[Split, set[str]] = {"train": set(train) - (val - test), "val": val, "test": test}
    for split, subjects in splits.items():
        if not subjects:
            raise InputError(
                f"split {split} of fold {fold} of {manifest.name} is empty ({len(present)} subjects in {manifest.root}). "
                "Add subjects, or change data.fold, data.protocol, data.module.validation_fraction or "
                "data.module.train_suffix."
            )
    return {split: frozenset(subjects) for split, subjects in splits.items()}
