"""Search of files below a folder."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

MAX_DEPTH = 6
"""Levels of folders below the root that are searched."""
IMAGE_SUFFIXES = frozenset({
    ".avif", ".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp",
})  # fmt: skip
"""File name suffixes of images, in lower case."""


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield every folder below ``root``, relative to it (``.`` first), and its sorted file names.

    Skips hidden names, such as the ``._F001_T1.csv`` of macOS on shared disks, and folders that cannot be read.
    """
    for folder, folders, files in os.walk(root):
        relative = os.path.relpath(folder, root)
        depth = 0 if relative == "." else relative.count(os.sep) + 1
        folders[:] = sorted(name for name in folders if not name.startswith(".") and depth < MAX_DEPTH)
        yield relative, sorted(name for name in files if not name.startswith("."))


def numbered_images(names: list[str]) -> tuple[dict[int, str], list[str]]:
    """Return image names by the number at their end, and the names that repeat a number. Padding is ignored."""
    by_number: dict[int, str] = {}
    repeated = []
    for name in names:
        stem, suffix = os.path.splitext(name)
        match = re.search(r"\d+$", stem)
        if match and suffix.lower() in IMAGE_SUFFIXES:
            number = int(match[0])
            if number in by_number:
                repeated.append(name)
            by_number.setdefault(number, name)
    return by_number, repeated
