"""Resolve command-line paths to videos and choose output names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mdhr.data.video.image_folder import is_image
from mdhr.errors import InputError

VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv",
    ".ts", ".vob", ".webm", ".wmv", ".y4m",
})  # fmt: skip
"""Suffixes of the videos in a folder, in lower case. Files that are named explicitly may have any suffix."""


def list_videos(paths: Sequence[Path], *, output_folder: Path) -> list[Path]:
    """Return the videos that the paths of files and folders refer to, each once.

    A folder yields all videos in it and its subfolders, sorted by path. A folder of images without videos is one video.

    Args:
        output_folder: files in this folder that end in ``_annotated.mp4`` are outputs of this package and excluded.

    Raises ``InputError`` if a path does not exist, or a folder contains neither videos nor images.
    """
    videos: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = _videos_in_folder(path, output_folder.resolve())
        elif path.exists():
            inside = [path]
        else:
            raise InputError(f"video {path} does not exist. Pass paths of files or folders, or the number of a camera.")
        for video in inside:
            videos.setdefault(video.resolve(), video)
    return list(videos.values())


def choose_output_names(videos: Sequence[Path], assigned: Mapping[str, str]) -> dict[str, Path]:
    """Return the videos by a unique name: the file name without suffix, prefixed by parent folders as necessary.

    Args:
        assigned: absolute path by name, for names assigned by earlier calls; these videos keep their names.
    """
    name_of = {path: name for name, path in assigned.items()}
    named: dict[str, Path] = {}
    for video in videos:
        path = str(video.resolve())
        if path in name_of:
            named[name_of[path]] = video
    unnamed = [video for video in videos if str(video.resolve()) not in name_of]
    used = set(assigned)
    for depth in range(max((len(video.resolve().parts) for video in unnamed), default=0)):
        names = [_prefixed_name(video, depth) for video in unnamed]
        unique = [name not in used and names.count(name) == 1 for name in names]
        named |= {name: video for name, video, ok in zip(names, unnamed, unique, strict=True) if ok}
        unnamed = [video for video, ok in zip(unnamed, unique, strict=True) if not ok]
        used |= set(named)
    for video in unnamed:  # paths that differ in the suffix only, or in underscores and folder separators
        name = f"{_prefixed_name(video, 0)}_{video.suffix.removeprefix('.')}"
        while name in used:
            name += "_"
        named[name] = video
        used.add(name)
    order = {video: position for position, video in enumerate(videos)}
    return dict(sorted(named.items(), key=lambda item: order[item[1]]))


def _videos_in_folder(folder: Path, output_folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    videos = [path for path in files if path.is_file() and not path.name.startswith(".")]
    if videos:
        return [
            path for path in videos if not (path.stem.endswith("_annotated") and path.resolve().parent == output_folder)
        ]
    if any(is_image(path) for path in folder.iterdir()):
        return [folder]
    raise InputError(
        f"folder {folder} contains no video ({', '.join(sorted(VIDEO_SUFFIXES))}) and no image. Pass another folder."
    )


def _prefixed_name(video: Path, depth: int) -> str:
    """Return the name of a video without suffix, prefixed by the names of its ``depth`` nearest parent folders."""
    path = video.resolve()
    own = path.name if path.is_dir() else path.stem
    return "_".join([*(part for part in path.parts[:-1] if part != path.anchor), own][-depth - 1 :])
