"""Subjects of coded videos: from folders, file names, or a column of the code file."""

import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from mdhr.data.codes.cells import TABLE_SUFFIXES
from mdhr.data.codes.frame_tables import read_subject
from mdhr.data.problems import Problem
from mdhr.data.releases.coded_files import check_expression
from mdhr.errors import InputError, listed, shown

_NAME = re.compile(r"[^\W][^/\\\x00-\x1f]{0,99}")
REGEX = "regex:"


def check_subject_setting(subject: str) -> None:
    """Raise ``InputError`` unless the setting is ``folder``, ``column``, or ``regex:`` and an expression."""
    if subject.startswith(REGEX):
        check_expression(subject.removeprefix(REGEX), setting="data.release.subject")
    elif subject not in ("folder", "column"):
        raise InputError(
            f"data.release.subject={shown(subject)}: expected folder, column or regex:<expression>, such as "
            r"'data.release.subject=\"regex:S\\d+\"'."
        )


def subject_of(video: Path, codes: Path, *, root: Path, subject: str) -> str:
    """Return the subject of a video.

    Args:
        subject: ``folder`` (first folder below ``root``), ``column`` (subject column of the code file), or ``regex:`` and
            an expression that is searched in the path below ``root``. Its group ``subject``, else its first group, else
            the match is the subject.

    Raises:
        InputError: the video has no subject, or its name cannot be that of a folder.
    """
    relative = video.relative_to(root)
    if subject == "folder":
        if len(relative.parts) < 2:
            raise InputError("lies in no subject folder; move it to data.root/<subject>/, or set data.release.subject")
        name = relative.parts[0]
    elif subject == "column":
        found = read_subject(codes) if codes.suffix.lower() in TABLE_SUFFIXES else None
        if not found:
            raise InputError("its code file has no subject column; add it, or set data.release.subject=folder")
        name = found
    else:
        match = re.search(subject.removeprefix(REGEX), relative.as_posix())
        if match is None:
            raise InputError(f"data.release.subject={subject} does not match its path")
        name = match.groupdict().get("subject") or (match[1] if match.re.groups else match[0]) or ""
    if not _NAME.fullmatch(name):
        raise InputError(f"subject {shown(name)!r} is no folder name; expected a letter or digit first, and no slash")
    return name


def single_video_subjects(videos: Collection[tuple[str, str]]) -> list[Problem]:
    """Return the note that subjects have one video only: if two of them are one person, that person is in two folds.

    Args:
        videos: subject and task of every video.
    """
    count = Counter(subject for subject, _ in videos)
    single = sorted(subject for subject, times in count.items() if times == 1)
    if len(single) < 2:
        return []
    what = "one video only per subject: if two of these are the same person, that person is in two folds"
    fix = "give the videos of a person the same subject, see data.release.subject"
    return [Problem(listed(single), what, len(single), fix, level="note")]


def similar_subjects(subjects: Collection[str]) -> list[Problem]:
    """Return the problem of subjects whose names differ in case only, and which may be the same person."""
    by_name: dict[str, list[str]] = {}
    for subject in sorted(subjects):
        by_name.setdefault(subject.casefold(), []).append(subject)
    return [
        Problem(listed(names), "subjects differ in case only, so that one person may be in two folds", 1, "rename them")
        for names in by_name.values()
        if len(names) > 1
    ]
