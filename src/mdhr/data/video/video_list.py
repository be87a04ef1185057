"""Text files with one video path per line."""

import os
from pathlib import Path
from typing import NamedTuple

from mdhr.errors import InputError
from mdhr.files.text_lines import read_lines


class ListedVideo(NamedTuple):
    """One entry of a list of videos."""

    line: int
    """Number of the line, from 1."""
    path: str


def read_video_list(path: Path) -> list[ListedVideo]:
    """Return the paths in a text file.

    Empty lines and lines that start with ``#`` are skipped. A path may be enclosed in quotes, and ``~`` is the home
    folder. Relative paths refer to the current folder.

    Raises ``InputError`` if the file cannot be read or contains no path.
    """
    expected = "Expected a text file with one video path per line."
    try:
        lines = read_lines(path)
    except InputError as error:
        raise InputError(f"--list {error}. {expected}") from error
    videos = [
        ListedVideo(number, os.path.expanduser(_without_quotes(line)))
        for number, line in enumerate(lines, start=1)
        if line and not line.startswith("#")
    ]
    if not videos:
        raise InputError(f"--list {path} is empty. {expected}")
    return videos


def _without_quotes(text: str) -> str:
    is_quoted = len(text) > 2 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text
