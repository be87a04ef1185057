"""Locks of folders: one process writes to a folder at a time."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from mdhr.errors import InputError
from mdhr.files.atomic import remove_temporary_files

LOCK_FILE = ".mdhr.lock"
"""File that is locked. It contains the process and the host, and is deleted at the end."""


@contextmanager
def locked_folder(folder: Path, *, setting: str, lock_folder: Path | None = None) -> Iterator[None]:
    """Create ``folder`` and prevent that others write to it during the block; delete temporary files in it first.

    The system releases the lock of a killed process. A thread may lock a folder again that it has locked; the lock ends
    with the outermost block.

    Args:
        setting: setting or option that names the folder, for the error message.
        lock_folder: folder to create and to lock instead, for a ``folder`` that is replaced as a whole.

    Raises ``InputError`` if another process or thread has locked the folder, or the folder cannot be written to.
    """
    lock = _acquire(folder, lock_folder or folder, setting)
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            # Deleted while it is locked: filelock detects that a file it has opened meanwhile was deleted.
            with suppress(OSError):
                os.unlink(lock.lock_file)
        lock.release()


def _acquire(folder: Path, lock_folder: Path, setting: str) -> BaseFileLock:
    path = lock_folder / LOCK_FILE
    try:
        lock_folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True)  # shared by nested blocks
        lock.acquire(blocking=False)
    except Timeout as error:
        raise InputError(
            f"{folder} is in use by {_owner(path)}. Wait until it ends, or choose another {setting}."
        ) from error
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}. Choose another {setting}.") from error
    if lock.lock_counter == 1:
        with suppress(OSError):  # a full disk; only the error message of others needs this
            path.write_text(f"{os.getpid()}\n{socket.gethostname()}\n")
        remove_temporary_files(lock_folder)
    return lock


def _owner(path: Path) -> str:
    """Return ``process N on host H``, as far as the lock file contains it."""
    try:
        pid, host = path.read_text().split()
    except (OSError, ValueError):
        return "another process"
    return f"process {pid} on host {host}"
