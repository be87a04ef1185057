"""Test data of another data set than the training data, with the action units that both have."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.config.composition import compose_config
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared.manifest import DESCRIPTION, Manifest, read_manifest
from mdhr.errors import InputError

if TYPE_CHECKING:
    from mdhr.data.subject_split import Split


class CrossData(FaceVideoData):
    """All videos of another prepared data set as test videos.

    Labels of the action units that the network predicts, but the data set does not have, are ``MISSING``.
    """

    @property
    def common_columns(self) -> tuple[str, ...]:
        """Columns of the action units that network and data set have in common, in the order of the network."""
        table = self.manifest.table
        return tuple(column for column in self.au_set.columns if (table[column] != MISSING).any())

    def split_subjects(self, manifest: Manifest) -> "dict[Split, frozenset[str]]":
        """Return all subjects as test subjects."""
        return {"train": frozenset(), "val": frozenset(), "test": frozenset(manifest.table["subject"])}


def cross_data(data: FaceVideoData, root: Path, *, frame_interval: float | None) -> CrossData:
    """Return the test data in ``root`` for a network that was trained with ``data``.

    Args:
        data: training data; only its settings are used.
        root: prepared data set.
        frame_interval: seconds between neighboring frames of a training clip. Frames of the other data set are skipped so
            that their interval is close to it. None uses all frames.

    Raises:
        InputError: ``root`` contains no prepared data set, or no action unit is in common.
    """
    fps = read_manifest(root).fps
    return CrossData(
        source=partial(read_common, root),
        au_set=data.au_set,
        protocol="honest",
        fold=1,
        num_frames=data.num_frames,
        crop_size=data.crop_size,
        batch_size=data.batch_size,
        seed=data.seed,
        frame_stride=1 if frame_interval is None else max(1, round(fps * frame_interval)),
        num_workers=data.num_workers,
    )


def read_common(root: Path, *, au_set: ActionUnitSet) -> Manifest:
    """Return the manifest of a prepared data set with the columns of ``au_set``; ``MISSING`` where it has no labels.

    Raises:
        InputError: ``root`` contains no prepared data set, or no labels of these action units.
    """
    manifest = read_manifest(root)
    known = [column for column in au_set.columns if column in manifest.au_set.columns]
    table = manifest.table.drop(columns=list(manifest.au_set.columns))
    labels = manifest.table[known].reindex(columns=list(au_set.columns), fill_value=MISSING).astype("int8")
    if not (labels != MISSING).any(axis=None):
        raise InputError(
            f"{root} has no labels of the action units of the network: it has those of {manifest.au_set.name} "
            f"({', '.join(manifest.au_set.columns)}), the network predicts {', '.join(au_set.columns)}."
        )
    return replace(manifest, au_set=au_set, table=table.join(labels))


def prepared_folder(name: str) -> Path:
    """Return the folder of a prepared data set, given the folder or the name of a data set in ``conf/data``."""
    if (Path(name) / DESCRIPTION).is_file():
        return Path(name)
    try:
        return Path(compose_config("prepare", [f"data={name}"]).data.prepared)
    except Exception as error:  # Hydra raises errors of several types for names and characters that it does not accept
        raise InputError(
            f"data={name} is neither a prepared data set nor a data set in conf/data. Pass a folder with {DESCRIPTION}."
        ) from error
