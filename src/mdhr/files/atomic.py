"""Atomic file writing: a reader finds the old content or the new content, never a part of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mdhr.errors import OutputError

TEMPORARY = ".mdhr-[0-9]*-*"
"""Pattern of the temporary names, which contain the process."""


@contextmanager
def temporary_path(path: Path) -> Iterator[Path]:
    """Yield a hidden path in the folder of ``path``; the file written there replaces ``path`` at the end.

    If the block raises, ``path`` is unchanged and the temporary file is deleted.

    Raises ``OutputError`` if the file cannot be written.
    """
    temporary = path.with_name(f".mdhr-{os.getpid()}-{path.name}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file atomically; raises ``OutputError`` if that fails."""
    with temporary_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically; raises ``OutputError`` if that fails."""
    write_bytes(path, text.encode())


def remove_temporary_files(folder: Path) -> None:
    """Delete the temporary files that killed processes left in ``folder``, which this process must have locked."""
    for temporary in folder.glob(TEMPORARY):
        with suppress(OSError):
            temporary.unlink()
