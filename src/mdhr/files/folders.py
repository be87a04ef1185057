"""Folders that appear whole or not at all, and that are finished with the settings they were begun with."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from mdhr.data.prepared.manifest import DESCRIPTION, replace_file
from mdhr.errors import InputError


@contextmanager
def whole_folder(folder: Path, *, advice: str = "mend that and start again, whole videos are kept") -> Iterator[Path]:
    """Give a hidden folder to fill, which takes the place of ``folder`` at the end.

    Raises ``InputError`` where that cannot be done. Nothing is left behind by whatever goes wrong, and what an earlier,
    killed process left is removed.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        for leftover in (partial, folder):
            if leftover.exists():
                shutil.rmtree(leftover)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(folder)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}; {advice}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def claim(root: Path, settings: Mapping[str, Any], *, file: str, made: str, setting: str) -> None:
    """Make the folder of a data set ours, or make sure that it is.

    Parameters
    ----------
    file: keeps the settings; made: how the frames come about, as in "was rendered with"; setting: names the folder.

    Raises ``InputError`` where ``root`` cannot be written to, holds something else, or was begun with other settings.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {root}: {error.strerror}; choose another {setting}") from error
    if not (root / file).is_file():
        if (root / "frames").exists() or (root / DESCRIPTION).exists():
            raise InputError(f"{root} holds another data set: choose another {setting} or remove the folder")
        replace_file(root / file, yaml.safe_dump(dict(settings), sort_keys=False).encode())
    begun = yaml.safe_load((root / file).read_text())
    for key in {**settings, **begun}:
        if begun.get(key) != settings.get(key):
            raise InputError(
                f"{root} was {made} with {key} = {begun.get(key)}, not {settings.get(key)}: "
                f"choose another {setting} or remove the folder"
            )
    for unfinished in root.glob(".*.tmp"):  # a process was killed while it wrote
        unfinished.unlink(missing_ok=True)
