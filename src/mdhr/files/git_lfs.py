"""Pointer files that Git LFS stores instead of large files."""

from pathlib import Path

GIT_LFS_START = b"version https://git-lfs.github.com/spec/"
"""First bytes of every pointer file."""


def is_git_lfs_pointer(path: Path) -> bool:
    """Return whether a file is a pointer of Git LFS; False if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(len(GIT_LFS_START)) == GIT_LFS_START
    except OSError:
        return False
