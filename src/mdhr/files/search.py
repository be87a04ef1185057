"""Finds the files of a release by their names, wherever below its root they lie."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

DEPTH = 6
"""Folders below the root that are looked into."""
_IMAGE = re.compile(r"(\d+)\.(?:jpe?g|png|bmp)$", re.IGNORECASE)


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder below ``root``, relative to it (``.`` first), and the names of the files in it, in order.

    Hidden names are left out, among them what other systems leave on shared disks (``._F001_T1.csv``); a folder that
    cannot be read is left out as well.
    """
    for folder, folders, files in os.walk(root):
        relative = os.path.relpath(folder, root)
        inside = 0 if relative == "." else relative.count(os.sep) + 1
        folders[:] = sorted(name for name in folders if not name.startswith(".") and inside < DEPTH)
        yield relative, sorted(name for name in files if not name.startswith("."))


def numbered_images(names: list[str]) -> tuple[dict[int, str], list[str]]:
    """Image names by the number they end in, however it is padded; and the names whose number another one has."""
    by_number: dict[int, str] = {}
    again = []
    for name in names:
        if match := _IMAGE.search(name):
            number = int(match[1])
            if number in by_number:
                again.append(name)
            by_number.setdefault(number, name)
    return by_number, again
