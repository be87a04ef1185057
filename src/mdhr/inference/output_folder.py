"""The folder that predictions go to, and what it remembers: which videos are done, by which model and settings."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from mdhr.errors import InputError
from mdhr.files.atomic import remove_temporary_files, write_text
from mdhr.files.checksums import SHORT, file_checksum

RECORD = "predict.yaml"
_WEIGHTS = {".ckpt", ".safetensors", ".pt2", ".onnx", ".data"}
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""Five times as fast where PyYAML has it: with thousands of videos the record is long."""
_PACKAGES = ("mdhr", "torch", "numpy", "opencv-python-headless", "av")


class PredictionFolder:
    """A folder with the outputs of videos and a record of them.

    Parameters
    ----------
    settings: all that decides what the outputs are; overwrite: begin anew where they are others.

    Raises ``InputError`` where the folder cannot be written to, or was begun with other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, overwrite: bool) -> None:
        self.folder = folder
        self.settings = dict(settings)
        self.videos: dict[str, dict[str, Any]] = {}
        """By name; of each the file, its size and time, and the names of its outputs."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {folder}: {error.strerror}; choose another --out") from error
        remove_temporary_files(folder)
        begun = self._read()
        other = [key for key in {**self.settings, **begun["settings"]} if self._differs(key, begun["settings"])]
        if not begun["settings"] or not other:
            self.videos = begun["videos"]
        elif not overwrite:
            raise InputError(
                f"{folder} was begun with {other[0]}: {begun['settings'].get(other[0])}, not "
                f"{self.settings.get(other[0])}: choose another --out, or say --overwrite"
            )
        self._write()

    @property
    def taken(self) -> dict[str, str]:
        """Names of the videos so far and where these are."""
        return {name: entry["video"] for name, entry in self.videos.items()}

    def is_done(self, name: str, video: Path, kinds: Sequence[str]) -> bool:
        """Whether the outputs of a video are there, it is the same as then, and no kind of output is missing.

        Parameters
        ----------
        kinds: ends of file names, such as ``.csv``.
        """
        entry = self.videos.get(name)
        if entry is None or {key: entry[key] for key in ("video", "bytes", "modified")} != _identity(video):
            return False
        whole = all((self.folder / file).is_file() for file in entry["files"])
        return whole and all(any(file.endswith(kind) for file in entry["files"]) for kind in kinds)

    def forget(self, name: str) -> None:
        """A video is about to be done again: its outputs go, as there may be fewer now."""
        entry = self.videos.pop(name, None)
        if entry is not None:
            self._write()
            for file in entry["files"]:
                (self.folder / Path(file).name).unlink(missing_ok=True)

    def remember(self, name: str, video: Path, files: Sequence[Path], **facts: Any) -> None:
        """A video is done."""
        self.videos[name] = {**_identity(video), **facts, "files": [file.name for file in files]}
        self._write()

    def _differs(self, key: str, begun: Mapping[str, Any]) -> bool:
        return begun.get(key) != self.settings.get(key)

    def _read(self) -> dict[str, Any]:
        path = self.folder / RECORD
        if not path.is_file():
            return {"settings": {}, "videos": {}}
        try:
            record = yaml.safe_load(path.read_text())
            return {"settings": dict(record["settings"]), "videos": dict(record["videos"])}
        except (yaml.YAMLError, OSError, UnicodeDecodeError, TypeError, KeyError, ValueError) as error:
            raise InputError(f"{path} is not what mdhr predict writes: remove it, or choose another --out") from error

    def _write(self) -> None:
        versions = {package: metadata.version(package) for package in _PACKAGES}
        record = {"versions": versions, "settings": self.settings, "videos": self.videos}
        content = yaml.dump(record, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
        write_text(self.folder / RECORD, content)


def weights_checksum(model: Path) -> str:
    """First 16 hex digits of the SHA-256 of a model's weights, wherever they lie."""
    best = model / "checkpoints" / "best.ckpt"
    files = [best if best.is_file() else model]
    if files == [model] and model.is_dir():
        files = sorted(path for path in model.rglob("*") if path.suffix in _WEIGHTS)
    return file_checksum(*files, digits=SHORT)


def _identity(video: Path) -> dict[str, Any]:
    """Where a video is, its size and when it was written; of a folder of images their number and the latest time."""
    if video.is_dir():
        files = list(video.iterdir())
        size, modified = len(files), max((file.stat().st_mtime for file in files), default=0.0)
    else:
        status = video.stat()
        size, modified = status.st_size, status.st_mtime
    return {"video": str(video.resolve()), "bytes": size, "modified": round(modified, 3)}
