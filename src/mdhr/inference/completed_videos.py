"""Record of completed videos in an output folder, which makes ``mdhr predict`` resumable."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from mdhr.data.video.image_folder import open_image_folder
from mdhr.data.video.input_list import RECORD_FILE
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.checksums import SHORT, file_checksum
from mdhr.files.yaml_files import read_yaml

_WEIGHT_SUFFIXES = {".ckpt", ".safetensors", ".pt2", ".onnx", ".data"}
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The C dumper, if available, is five times faster; a record of thousands of videos is long."""
_IDENTITY = ("video", "bytes", "modified")
_PACKAGES = ("mdhr", "torch", "numpy", "opencv-python-headless", "av")


class CompletedVideos:
    """Output folder with a record of its settings and completed videos in ``predict.yaml``.

    Args:
        folder: existing folder, which this process has locked.
        settings: everything that determines the content of the output files.
        overwrite: discard the record of other settings.

    Raises ``InputError`` if the folder cannot be written to, or contains a record of other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, overwrite: bool) -> None:
        self.folder = folder
        self.settings = dict(settings)
        self.videos: dict[str, dict[str, Any]] = {}
        """Entries by output name: path, size and modification time of the video, and names of its output files."""
        record = self._read()
        recorded = record["settings"]
        changed = [key for key in {**self.settings, **recorded} if recorded.get(key) != self.settings.get(key)]
        if not recorded or not changed:
            self.videos = record["videos"]
        elif not overwrite:
            key = changed[0]
            raise InputError(
                f"{folder} contains results with {key}: {recorded.get(key)}, not {self.settings.get(key)}. "
                "Choose another --out, or pass --overwrite."
            )
        self._write()

    @property
    def video_paths(self) -> dict[str, str]:
        """Absolute paths of the completed videos by output name."""
        return {name: entry["video"] for name, entry in self.videos.items()}

    def contains(self, name: str, video: Path, suffixes: Sequence[str]) -> bool:
        """Whether a video is complete and unchanged.

        Args:
            suffixes: endings of the required output files, such as ``.csv``.
        """
        entry = self.videos.get(name)
        try:
            if entry is None or {key: entry[key] for key in _IDENTITY} != _identity(video):
                return False
        except (OSError, InputError):  # the video has disappeared, which is reported when it is scored
            return False
        all_exist = all((self.folder / file).is_file() for file in entry["files"])
        return all_exist and all(any(file.endswith(suffix) for file in entry["files"]) for suffix in suffixes)

    def remove(self, name: str) -> None:
        """Remove a video and its output files, as new results may have fewer files."""
        entry = self.videos.pop(name, None)
        if entry is not None:
            self._write()
            for file in entry["files"]:
                (self.folder / Path(file).name).unlink(missing_ok=True)

    def add(self, name: str, video: Path, files: Sequence[Path], **results: Any) -> None:
        """Add a completed video with its output files and further entries of the record."""
        self.videos[name] = {**_identity(video), **results, "files": [file.name for file in files]}
        self._write()

    def _read(self) -> dict[str, Any]:
        path = self.folder / RECORD_FILE
        if not path.is_file():
            return {"settings": {}, "videos": {}}
        try:
            record = read_yaml(path)
            videos = {name: dict(entry) for name, entry in record["videos"].items()}
            for entry in videos.values():
                entry["files"] = [str(file) for file in entry["files"]]
                _ = [entry[key] for key in _IDENTITY]
            return {"settings": dict(record["settings"]), "videos": videos}
        except (AttributeError, TypeError, KeyError, ValueError) as error:  # InputError is a ValueError
            raise InputError(
                f"{path} is not a record of mdhr predict. Delete the file, or choose another --out."
            ) from error

    def _write(self) -> None:
        versions = {package: metadata.version(package) for package in _PACKAGES}
        record = {"versions": versions, "settings": self.settings, "videos": self.videos}
        content = yaml.dump(record, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
        write_text(self.folder / RECORD_FILE, content)


def weights_checksum(model: Path) -> str:
    """Return the first 16 hex digits of the SHA-256 of the weights of a run, a checkpoint or an exported model."""
    best = model / "checkpoints" / "best.ckpt"
    files = [best if best.is_file() else model]
    if files == [model] and model.is_dir():
        files = sorted(path for path in model.rglob("*") if path.suffix in _WEIGHT_SUFFIXES)
    return file_checksum(*files, digits=SHORT)


def _identity(video: Path) -> dict[str, Any]:
    """Return path, size and modification time of a video; of a folder of images, number of frames and latest time."""
    if video.is_dir():
        names = open_image_folder(video).names
        size, modified = len(names), max((video / name).stat().st_mtime for name in names)
    else:
        status = video.stat()
        size, modified = status.st_size, status.st_mtime
    return {"video": str(video.resolve()), "bytes": size, "modified": round(modified, 3)}
