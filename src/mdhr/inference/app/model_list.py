"""Models that the page offers: runs and exported folders below given folders."""

from collections.abc import Sequence
from pathlib import Path

from mdhr.errors import InputError
from mdhr.files.yaml_files import read_yaml
from mdhr.inference.model_description import ModelDescription, read_run_description
from mdhr.inference.model_formats import CONFIG_FILE, FORMATS
from mdhr.inference.model_loading import BEST_CHECKPOINT, SETTINGS_FILE, read_config


def find_models(folders: Sequence[Path]) -> list[Path]:
    """Return the folders of all runs with a best checkpoint and of all exported models in or below ``folders``.

    Models of each folder are sorted by depth and name. Raises ``InputError`` if a folder does not exist.
    """
    models: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(
                f"folder {folder} does not exist. Pass run folders, exported models, or folders that contain them."
            )
        checkpoints = folder.rglob(BEST_CHECKPOINT.name)
        runs = [file.parent.parent for file in checkpoints if file.parent.name == BEST_CHECKPOINT.parent.name]
        exported = [file.parent for file in folder.rglob(CONFIG_FILE) if _is_exported_model(file.parent)]
        models += sorted([*runs, *exported], key=lambda model: (len(model.parts), model))
    return list(dict.fromkeys(models))


def describe_model(folder: Path) -> ModelDescription:
    """Return the description of a model without loading the model; raises ``InputError`` if there is none."""
    if _is_exported_model(folder):
        return ModelDescription.from_dict(read_config(folder / CONFIG_FILE).get("model"), where=folder / CONFIG_FILE)
    return read_run_description(folder, read_yaml(folder / SETTINGS_FILE))


def _is_exported_model(folder: Path) -> bool:
    """Whether the folder contains ``config.yaml`` and a model file; Hydra also writes files named ``config.yaml``."""
    return (folder / CONFIG_FILE).is_file() and any((folder / each.file).is_file() for each in FORMATS.values())
