"""Which videos a person means who names files and folders, and what to call what is made of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mdhr.data.video.frame_source import is_image
from mdhr.errors import InputError

VIDEOS = frozenset(
    [
        ".3gp",
        ".asf",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
        ".y4m",
    ]
)
"""Suffixes by which the videos of a folder are known, in lower case; a file that is named may have any."""


def list_videos(named: Sequence[Path], *, leave_out: Path) -> list[Path]:
    """Every video once: files as named, those in a folder and below it by name, a folder of images as one video.

    Parameters
    ----------
    leave_out: what lies there and ends in ``_annotated.mp4`` was made here and is no video of the user's.

    Raises ``InputError`` for a path that is not there and for a folder that holds neither videos nor images.
    """
    found: dict[Path, Path] = {}
    for path in named:
        if path.is_dir():
            inside = _in_folder(path, leave_out.resolve())
        elif path.exists():
            inside = [path]
        else:
            raise InputError(f"there is no video {path}: give files, folders, or the number of a camera")
        for each in inside:
            found.setdefault(each.resolve(), each)
    return list(found.values())


def _in_folder(folder: Path, leave_out: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS)
    videos = [path for path in files if path.is_file() and not path.name.startswith(".")]
    if videos:
        made = [path for path in videos if path.resolve().parent == leave_out and path.stem.endswith("_annotated")]
        return [path for path in videos if path not in made]
    if any(is_image(path) for path in folder.iterdir()):
        return [folder]
    raise InputError(f"{folder} holds no video ({', '.join(sorted(VIDEOS))}) and no image: give another folder")


def name_videos(videos: Sequence[Path], taken: Mapping[str, str]) -> dict[str, Path]:
    """A name for every video that no other has: its own, else with as many folders before it as it takes.

    Parameters
    ----------
    taken: names that were given before, and the absolute paths of what they were given to.
    """
    of_path = {path: name for name, path in taken.items()}
    named: dict[str, Path] = {}
    for video in videos:
        where = str(video.resolve())
        if where in of_path:
            named[of_path[where]] = video
    waiting = [video for video in videos if str(video.resolve()) not in of_path]
    used = set(taken)
    for depth in range(max((len(video.resolve().parts) for video in waiting), default=0)):
        names = [_name(video, depth) for video in waiting]
        free = [name not in used and names.count(name) == 1 for name in names]
        named |= {name: video for name, video, ok in zip(names, waiting, free, strict=True) if ok}
        waiting = [video for video, ok in zip(waiting, free, strict=True) if not ok]
        used |= set(named)
    for video in waiting:  # their paths differ in the suffix, or where a folder's name has an underscore
        name = f"{_name(video, 0)}_{video.suffix.removeprefix('.')}"
        while name in used:
            name += "_"
        named[name] = video
        used.add(name)
    order = {video: position for position, video in enumerate(videos)}
    return dict(sorted(named.items(), key=lambda item: order[item[1]]))


def _name(video: Path, depth: int) -> str:
    """The video's name without suffix, after the names of ``depth`` folders above it."""
    path = video.resolve()
    own = path.name if path.is_dir() else path.stem
    return "_".join([*(part for part in path.parts[:-1] if part != path.anchor), own][-depth - 1 :])
