"""Folders that are complete or absent, and folders that belong to one set of settings."""

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.folder_lock import locked_folder
from mdhr.files.yaml_files import read_yaml


@contextmanager
def atomic_folder(
    folder: Path,
    *,
    setting: str,
    replace: bool = True,
    advice: str = "Fix this and run the command again; complete videos are kept.",
) -> Iterator[Path]:
    """Yield an empty hidden folder next to ``folder`` that is renamed to it at the end.

    If the block raises, the hidden folder is deleted and ``folder`` is unchanged. The hidden folder is locked, so that
    one process writes at a time; that of a killed process is deleted first.

    Args:
        setting: setting or option that names the folder, for the error message.
        replace: whether to replace an existing folder that is not empty, instead of raising.
        advice: last sentence of the error message.

    Raises ``InputError`` if another process writes to the folder, or the folder cannot be written.
    """
    hidden = folder.with_name(f".mdhr-partial-{folder.name}")
    partial, replaced = hidden / "content", hidden / "replaced"
    try:
        with locked_folder(folder, setting=setting, lock_folder=hidden):
            try:
                _remove(partial, replaced)
                partial.mkdir()
                yield partial
                if replace and folder.exists():
                    folder.rename(replaced)
                partial.rename(folder)
            finally:
                _remove(partial, replaced)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}. {advice}") from error
    finally:
        with suppress(OSError):  # in use by another process
            hidden.rmdir()


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def claim_folder(
    folder: Path,
    settings: Mapping[str, Any],
    *,
    settings_file: str,
    content: Collection[str],
    created_by: str,
    setting: str,
) -> None:
    """Create ``folder`` and store its settings, or check that the stored settings are the same.

    The folder should be locked unless it is complete.

    Args:
        settings_file: name of the YAML file in ``folder`` that stores the settings.
        content: names in ``folder`` that belong to another owner if there is no settings file.
        created_by: past participle for the error message, such as "rendered".
        setting: Hydra setting that names the folder.

    Raises ``InputError`` if the folder cannot be written to, has another owner or was created with other settings.
    """
    path = folder / settings_file
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}. Choose another {setting}.") from error
    if not path.is_file():
        if any((folder / name).exists() for name in content):
            raise InputError(f"{folder} contains another data set. Choose another {setting} or delete the folder.")
        write_text(path, yaml.safe_dump(dict(settings), sort_keys=False))
    stored = read_yaml(path)
    if not isinstance(stored, dict):
        raise InputError(f"{path} contains no settings. Choose another {setting} or delete the folder.")
    for key in {**settings, **stored}:
        if stored.get(key) != settings.get(key):
            raise InputError(
                f"{folder} was {created_by} with {key} = {stored.get(key)}, not {settings.get(key)}. "
                f"Choose another {setting} or delete the folder."
            )
