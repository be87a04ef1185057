"""Small and read-only file systems. Tests are skipped where mounting is not permitted."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, num_bytes: int) -> Iterator[Callable[[int], None]]:
    """Mount an empty file system of that size on a new folder and yield a function that changes the size."""
    folder.mkdir()
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={num_bytes}", "tmpfs"):
        yield lambda size: _mount("-o", f"remount,size={size}", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder and everything below it read-only."""
    with _mounted(folder, "--bind", str(folder)):
        _mount("-o", "remount,bind,ro", str(folder))
        yield


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[None]:
    try:
        _mount(*arguments, str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
