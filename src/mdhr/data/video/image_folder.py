"""Videos that are stored as one image file per frame."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mdhr.data.video.frame import DownscaledFrame, downscale, median_interval
from mdhr.data.video.frame_images import exif_orientation, read_image, read_reduced_image
from mdhr.errors import InputError
from mdhr.files.search import IMAGE_SUFFIXES

DEFAULT_FPS = 25.0
"""Frame rate if none is given."""
_MAX_LISTED = 3
"""Images that a note names one by one."""


@dataclass(frozen=True)
class ImageFolder:
    """Frames of a video that is stored as one image file per frame.

    Attributes:
        folder: folder of the images.
        names: file names in temporal order.
        times: time stamp of each in seconds.
        notes: phrases about skipped images, for the user.
    """

    folder: Path
    names: Sequence[str]
    times: Sequence[float]
    notes: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Path of the folder."""
        return str(self.folder)

    @property
    def interval(self) -> float:
        """Median distance of neighboring frames in seconds."""
        return median_interval(self.times, default=1 / DEFAULT_FPS)

    def frames(self) -> Iterator["ImageFrame"]:
        """Yield the frames in order."""
        for time, name in zip(self.times, self.names, strict=True):
            yield ImageFrame(self.folder / name, time)


@dataclass(frozen=True)
class ImageFrame:
    """Image file as a :class:`~mdhr.data.video.frame.Frame`.

    Attributes:
        path: path of the file.
        time: time stamp in seconds.
    """

    path: Path
    time: float

    def rgb(self) -> np.ndarray:
        """See :class:`~mdhr.data.video.frame.Frame`."""
        return read_image(self.path)

    def downscaled(self, longest_side: int) -> DownscaledFrame:
        """See :class:`~mdhr.data.video.frame.Frame`. A JPEG is decoded at reduced resolution, several times as fast."""
        image, side = read_reduced_image(self.path, longest_side)
        frame = downscale(self.time, image, longest_side)
        return frame._replace(scale=side / max(frame.image.shape))


def open_image_folder(folder: Path, *, fps: float | None = None) -> ImageFolder:
    """Return the images of a folder in the order of the numbers in their names.

    Images that are not frames of the video are skipped: images without a number in their names if most names contain
    one, images whose names differ from another in the suffix only, and images of another size if most have the same.

    Args:
        fps: frame rate (default 25).

    Raises ``InputError`` if the folder contains no image.
    """
    names = sorted((path.name for path in folder.iterdir() if is_image(path)), key=_numeric_key)
    if not names:
        raise InputError(
            f"folder {folder} contains no image ({', '.join(sorted(IMAGE_SUFFIXES))}). Pass the path of a video file or "
            "of a folder of images."
        )
    skipped = dict.fromkeys(_names_without_number(names), "no number in its name")
    first_of_stem: dict[str, str] = {}
    for name in names:
        first = first_of_stem.setdefault(Path(name).stem, name)
        if first != name:
            skipped[name] = f"same name as {first}"
    headers = {name: _read_header(folder / name) for name in names if name not in skipped}
    sizes = {name: header and header[:2] for name, header in headers.items()}
    usual = _majority(list(sizes.values()))
    if usual is not None:
        skipped |= {
            name: "{} x {} pixels".format(*size) for name, size in sizes.items() if size is not None and size != usual
        }
    kept = [name for name in names if name not in skipped]
    notes = _notes(skipped)
    if usual is None:
        notes.append(f"images of {len(set(sizes.values()))} sizes")
    if animated := [name for name in kept if (header := headers[name]) and header.num_frames > 1]:
        notes.append(f"read only the first frame of the animated {_listed(animated)}")
    return ImageFolder(folder, kept, [i / (fps or DEFAULT_FPS) for i in range(len(kept))], notes)


def is_image(path: Path) -> bool:
    """Return whether a path is not a folder, has the suffix of an image, and is not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def has_number(name: str) -> bool:
    """Return whether a file name without its suffix contains a number."""
    return bool(re.search(r"\d", Path(name).stem))


def _names_without_number(names: Sequence[str]) -> list[str]:
    """Return the names without a number if most names contain one."""
    without = [name for name in names if not has_number(name)]
    return without if 2 * len(without) < len(names) else []


class _Header(NamedTuple):
    """Header of an image file: size of the upright image in pixels and number of frames."""

    width: int
    height: int
    num_frames: int


def _read_header(path: Path) -> _Header | None:
    """Return the header of an image file, or None if it cannot be read."""
    if not path.is_file():  # opening a named pipe would block
        return None
    status = path.stat()
    return _cached_header(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=10_000)
def _cached_header(path: Path, modified: int, num_bytes: int) -> _Header | None:
    """Return :func:`_read_header` of a file; a folder is opened several times, and changed files are read again."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            # Not getexif(), which decodes a PNG. The size of a TIFF is upright.
            if exif_orientation(image.info.get("exif", b"")) >= 5:
                width, height = height, width
            return _Header(width, height, getattr(image, "n_frames", 1))
    except Exception:  # Pillow raises errors of many types; the error is reported when the frame is decoded
        return None


def _majority(sizes: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Return the size of more than half of the images, or None."""
    size, count = Counter(sizes).most_common(1)[0]
    return size if 2 * count > len(sizes) else None


def _notes(skipped: dict[str, str]) -> list[str]:
    if not skipped:
        return []
    listed = _listed([f"{name} ({reason})" for name, reason in skipped.items()])
    return [f"skipped {len(skipped)} image{'s' * (len(skipped) > 1)}: {listed}"]


def _listed(names: Sequence[str]) -> str:
    """Return the first names as text, and the number of the others."""
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more


def _numeric_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key that places ``frame9`` before ``frame10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]
