"""Reading of files that may be anything: a named pipe, a device, or larger than memory."""

import errno
import os
from pathlib import Path

from mdhr.errors import InputError

MAX_BYTES = 64 * 2**20
"""Size of the largest text file that is read; those of this project have less than a tenth of it."""


def read_regular(path: str | Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the content of a regular file.

    Raises ``InputError`` if the file does not exist, cannot be read, is a folder, a named pipe or a device (reading of
    which may never end), or has more than ``max_bytes`` bytes.
    """
    check_regular(path)
    try:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size <= max_bytes:
                return file.readall()
    except (OSError, MemoryError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    raise InputError(f"{path} cannot be read: it has more than {max_bytes / 2**20:g} MiB")


def check_regular(path: str | Path) -> None:
    """Raise ``InputError`` unless the path is a regular file, which can be opened without waiting for a writer."""
    if not os.path.isfile(path):
        problem = "it is not a regular file" if os.path.exists(path) else os.strerror(errno.ENOENT)
        raise InputError(f"{path} cannot be read: {problem}")
