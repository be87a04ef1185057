"""Resolve command-line paths to videos and choose output names."""

import mimetypes
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mdhr.data.video.image_folder import has_number, is_image
from mdhr.data.video.video_list import read_video_list
from mdhr.errors import InputError, listed

VIDEO_SUFFIXES = frozenset({
    ".3gp", ".apng", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
    ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m",
})  # fmt: skip
"""Suffixes of the videos in a folder, in lower case. Files that are named explicitly may have any suffix."""
RECORD_FILE = "predict.yaml"
"""File that marks a folder with outputs of ``mdhr predict``."""


@dataclass
class VideoInputs:
    """Videos that the paths on a command line refer to.

    Attributes:
        output_folder: images, and files that end in ``_annotated.mp4``, in this folder and in others with a record of
            ``mdhr predict`` are outputs of this package and excluded.
        cameras: numbers of cameras.
        notes: one line per folder with skipped files.
        errors: one line per invalid line of a list.
    """

    output_folder: Path
    cameras: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _videos: dict[Path, Path] = field(default_factory=dict)

    @property
    def videos(self) -> list[Path]:
        """Files and folders of images, each once."""
        return list(self._videos.values())

    def add(self, path: str | Path) -> None:
        """Add a video file, the number of a camera, or all videos in a folder and its subfolders, sorted by path.

        A folder with images is one video, see :func:`~mdhr.data.video.image_folder.open_image_folder`. Skipped are
        images next to video files, and images without numbers above folders with videos.

        Raises ``InputError`` if the path does not exist, or a folder contains neither videos nor images.
        """
        path, text = Path(path), str(path)
        if path.is_dir():
            self._add(self._search(path))
        elif path.is_file():
            self._add([path])
        elif path.exists():
            raise InputError(
                f"video {path} is not a regular file. Pass paths of files or folders, or the number of a camera."
            )
        elif text.isdecimal():
            if int(text) not in self.cameras:
                self.cameras.append(int(text))
        else:
            raise InputError(f"video {path} does not exist. Pass paths of files or folders, or the number of a camera.")

    def add_list(self, path: Path) -> None:
        """Add the paths in a text file and collect the errors of its lines.

        Raises ``InputError`` if the list cannot be read; see :func:`~mdhr.data.video.video_list.read_video_list`.
        """
        for entry in read_video_list(path):
            try:
                self.add(entry.path)
            except (InputError, OSError, ValueError) as error:
                self.errors.append(f"{path}: line {entry.line}: {error}")

    def _add(self, videos: Iterable[Path]) -> None:
        for video in videos:
            self._videos.setdefault(video.resolve(), video)

    def _search(self, root: Path) -> list[Path]:
        skipped: list[Path] = []
        videos = _videos_below(root, self.output_folder.resolve(), skipped, set())
        if not videos and any(is_image(path) for path in root.iterdir()):
            return [root]  # images with outputs next to them
        if not videos:
            unsupported = f" The format of {skipped[0]} is not supported." if skipped else ""
            raise InputError(
                f"folder {root} contains no video ({', '.join(sorted(VIDEO_SUFFIXES))}) and no image.{unsupported} Pass "
                "another folder."
            )
        if skipped:
            names = listed([str(path.relative_to(root)) for path in skipped])
            self.notes.append(
                f"{root}: skipped {len(skipped)} file{'s' * (len(skipped) > 1)} outside of videos: {names}"
            )
        return videos


def _videos_below(folder: Path, output_folder: Path, skipped: list[Path], visited: set[Path]) -> list[Path]:
    """Return the videos in a folder and its subfolders, and append images and videos that are skipped."""
    real = folder.resolve()
    if real in visited:  # symbolic links may form a circle
        return []
    visited.add(real)
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        skipped.append(folder)
        return []
    has_outputs = real == output_folder or (folder / RECORD_FILE).is_file()
    inside = [
        video for path in entries if path.is_dir() for video in _videos_below(path, output_folder, skipped, visited)
    ]
    files = [path for path in entries if not path.is_dir() and not (has_outputs and _is_output(path))]
    videos = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()]
    images = [path for path in files if is_image(path)]
    is_video = bool(images) and not videos and (not inside or any(has_number(path.name) for path in images))
    used = {*videos, *(images if is_video else [])}
    skipped += [path for path in files if path not in used and _is_image_or_video(path)]
    return sorted([*videos, *([folder] if is_video else []), *inside])


def _is_output(path: Path) -> bool:
    return path.stem.endswith("_annotated") or is_image(path)


def _is_image_or_video(path: Path) -> bool:
    kind, _ = mimetypes.guess_type(path.name)
    return path.suffix.lower() in VIDEO_SUFFIXES or (kind or "").startswith(("image/", "video/"))


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
        # Counted over all videos, so that the names of an interrupted call do not depend on when it was interrupted.
        number = Counter(_prefixed_name(video, depth) for video in videos)
        unique = [name not in used and number[name] == 1 for name in names]
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


def _prefixed_name(video: Path, depth: int) -> str:
    """Return the name of a video without suffix, prefixed by the names of its ``depth`` nearest parent folders."""
    path = video.resolve()
    own = path.name if path.is_dir() else path.stem
    return "_".join([*(part for part in path.parts[:-1] if part != path.anchor), own][-depth - 1 :])
