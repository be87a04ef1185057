"""Search of videos and code files, and their assignment by name."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mdhr.data.codes.reading import CODE_SUFFIXES
from mdhr.data.problems import Problem
from mdhr.data.video.input_list import VideoInputs
from mdhr.errors import InputError, listed
from mdhr.files.search import walk


@dataclass
class PairedFiles:
    """Videos with their code files.

    Attributes:
        pairs: video file or folder of images, and code file.
        problems: files without counterpart, and ambiguous names.
    """

    pairs: list[tuple[Path, Path]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find_videos(root: Path) -> list[Path]:
    """Return the video files and image folders below ``root``; raises ``InputError`` if there are none."""
    inputs = VideoInputs(output_folder=root / ".outputs")
    inputs.add(root)
    return inputs.videos


def find_codes(folder: Path) -> list[Path]:
    """Return the files below ``folder`` whose suffix is that of a code file."""
    return [
        folder / relative / name
        for relative, names in walk(folder)
        for name in names
        if Path(name).suffix.lower() in CODE_SUFFIXES
    ]


def video_name(path: Path) -> str:
    """Return the name of a folder, or of a file without suffix."""
    return path.name if path.is_dir() else path.stem


def pair_files(
    videos: Sequence[Path], codes: Sequence[Path], *, root: Path, labels: Path, code_suffix: str
) -> PairedFiles:
    """Return every video with the code file of the same name, in any case.

    Files of the same name are paired if they lie in folders of the same name, relative to ``root`` and ``labels``.

    Args:
        code_suffix: regular expression of an ending that the names of code files may have in addition.
    """
    names = {video_name(video).casefold() for video in videos}
    codes_of: dict[str, list[Path]] = {}
    for code in codes:
        name = code.stem.casefold()
        if name not in names:
            name = re.sub(rf"(?:{code_suffix})$", "", code.stem, flags=re.IGNORECASE).casefold()
        codes_of.setdefault(name, []).append(code)
    videos_of: dict[str, list[Path]] = {}
    for video in videos:
        videos_of.setdefault(video_name(video).casefold(), []).append(video)
    paired = PairedFiles()
    used: set[Path] = set()
    for name, members in videos_of.items():
        candidates = codes_of.get(name, [])
        used.update(candidates)
        for video in members:
            paired.problems += _pair(video, members, candidates, paired.pairs, root=root, labels=labels)
        taken = {code for _, code in paired.pairs}
        if len(members) > 1 and (left := [code for code in candidates if code not in taken]):
            paired.problems += _without_video(left)
    paired.problems += _without_video([code for code in codes if code not in used])
    return paired


def _pair(
    video: Path,
    same_name: Sequence[Path],
    codes: Sequence[Path],
    pairs: list[tuple[Path, Path]],
    *,
    root: Path,
    labels: Path,
) -> Iterator[Problem]:
    """Append the pair of a video, or yield why there is none."""
    if len(same_name) == 1 and len(codes) == 1:
        pairs.append((video, codes[0]))
        return
    near = [code for code in codes if _folder(code, labels) == _folder(video, root)]
    if len(near) == 1:
        pairs.append((video, near[0]))
    elif not codes or (len(same_name) > 1 and not near and len(codes) > 1):
        yield Problem(str(video), "video without codes", 1, "add its code file, or move the video out of data.root")
    elif len(same_name) > 1 and len(codes) == 1:
        what = f"{len(same_name)} videos named {video_name(video)}, but one code file for them"
        yield Problem(str(video), what, 1, "rename the videos, or use the same subfolders for videos and codes")
    else:
        what = f"{len(codes)} code files: {listed([code.name for code in codes])}"
        yield Problem(str(video), what, len(codes), "keep one, or select a folder with data.labels")


def _without_video(codes: Sequence[Path]) -> list[Problem]:
    fix = "add the video, rename one of them, or correct data.release.code_suffix"
    return [Problem(str(code), "codes without a video of this name", 1, fix) for code in codes]


def _folder(path: Path, base: Path) -> str:
    return path.parent.relative_to(base).as_posix().casefold()


def check_expression(expression: str, *, setting: str) -> None:
    """Raise ``InputError`` if a regular expression is invalid."""
    try:
        re.compile(expression)
    except re.error as error:
        raise InputError(f"{setting}={expression!r} is not a regular expression: {error}.") from error
