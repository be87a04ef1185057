"""Folders that are complete or absent, and folders that belong to one set of settings."""

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from mdhr.errors import InputError
from mdhr.files.atomic import remove_temporary_files, write_text


@contextmanager
def atomic_folder(
    folder: Path, *, advice: str = "Fix this and run the command again; complete videos are kept."
) -> Iterator[Path]:
    """Yield an empty hidden folder next to ``folder`` that is renamed to it at the end.

    An existing folder and the hidden folder of a killed process are deleted first. If the block raises, the hidden
    folder is deleted, so that ``folder`` is complete or absent.

    Args:
        advice: last sentence of the error message.

    Raises ``InputError`` if the folder cannot be written.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        for existing in (partial, folder):
            if existing.exists():
                shutil.rmtree(existing)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(folder)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}. {advice}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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

    Also deletes temporary files of killed processes.

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
    stored = yaml.safe_load(path.read_text())
    for key in {**settings, **stored}:
        if stored.get(key) != settings.get(key):
            raise InputError(
                f"{folder} was {created_by} with {key} = {stored.get(key)}, not {settings.get(key)}. "
                f"Choose another {setting} or delete the folder."
            )
    remove_temporary_files(folder)
