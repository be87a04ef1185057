"""Data modules from the recorded settings of a run.

The settings may come from a stranger: nothing that they name is imported or called, see
:mod:`mdhr.config.plain_settings`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.config.argument_check import check_arguments
from mdhr.config.plain_settings import check_clip_size, checked_au_set, checked_node, plain_values
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared.manifest import Manifest, read_manifest
from mdhr.data.releases.released_lists import read_released_lists, released_folds
from mdhr.errors import InputError, shown

DATA_MODULE = "mdhr.data.datamodule.FaceVideoData"
SOURCES: dict[str, Callable[..., Manifest]] = {
    "mdhr.data.prepared.manifest.read_manifest": read_manifest,
    "mdhr.data.releases.released_lists.read_released_lists": read_released_lists,
}
"""Functions that read a manifest, by the ``_target_`` of ``data.module.source``."""


def data_folds(data: DictConfig) -> tuple[int, ...]:
    """Return the numbers of the test folds of the data set that the node ``data`` describes.

    Raises ``InputError`` if the data set does not exist.
    """
    source = instantiate(data.module.source)
    if "fold" in source.keywords:
        return released_folds(au_set=instantiate(data.au_set), **source.keywords)
    return tuple(sorted(source().folds))


def build_data(settings: Any, *, where: Path) -> FaceVideoData:
    """Return the data module that the node ``data.module`` of resolved ``settings`` describes.

    Raises ``InputError`` that starts with the file name ``where`` for a ``_target_`` other than those of ``conf/data``,
    for values that are not plain, and for arguments that do not exist.
    """
    try:
        node = checked_node(settings["data"]["module"], "data.module", (DATA_MODULE,))
        source = checked_node(node.pop("source", None), "data.module.source", SOURCES)
        au_set = checked_au_set(node.pop("au_set", None), "data.module.au_set")
        del node["_target_"]
        read = SOURCES[source.pop("_target_")]
        source.pop("_partial_", None)
        check_arguments(read, plain_values(source, "data.module.source"), where="data.module.source")
        check_arguments(FaceVideoData, plain_values(node, "data.module", lists=True), where="data.module")
        check_clip_size(node.get("num_frames", 1), node.get("crop_size", 0))
        return FaceVideoData(source=partial(read, **source), au_set=au_set, **node)
    except (KeyError, TypeError, ValueError) as error:  # InputError is a ValueError
        raise InputError(f"{where}: {shown(str(error), limit=300)}") from error
