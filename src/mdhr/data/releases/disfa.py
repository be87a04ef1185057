"""Reads the DISFA release: 27 people, one video each, every frame with an intensity of every action unit.

::

    Videos_LeftCamera/LeftVideoSN001_comp.avi     or images: SN001/SN001_0.png
    ActionUnit_Labels/SN001/SN001_au1.txt         lines ``frame,intensity``, frames from 1, intensities 0 to 5

All may lie anywhere below the root, and names may be in any case. Line f of the labels belongs to picture f - 1:
frames count from 0 here.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.folds import DISFA_FOLDS
from mdhr.data.releases.release import RawRelease, ReleaseReader, read_cells, whole_numbers
from mdhr.data.releases.released_lists import ONE_VIDEO
from mdhr.errors import InputError

_LABELS = re.compile(r"(SN\d{3})_AU0*(\d+)\.txt", re.IGNORECASE)
_VIDEO = re.compile(r"(?:left|right)video(SN\d{3})_comp\.(?:avi|mp4|mkv|mov|wmv)", re.IGNORECASE)
_IMAGES = re.compile(r".*/(SN\d{3})(?:/[^/]*)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class DisfaRelease:
    """DISFA as it was handed out.

    Attributes:
        root: the folder that videos and labels lie below.
        au_set: action units to read.
        threshold: intensity from which on an action unit occurs.
        camera: of the two that were filmed with; whatever has the other's name in its path is left alone.
        images: folder of the videos or images, relative to ``root`` or absolute; None looks everywhere.
        labels: the same for the label files.
        first_image: number of a video's first image, where there are images.
    """

    root: str | Path
    au_set: ActionUnitSet
    threshold: int = 2
    camera: Literal["left", "right"] = "left"
    images: str | None = None
    labels: str | None = None
    first_image: int = 0
    fps: ClassVar[float] = 20.0

    @property
    def settings(self) -> dict[str, Any]:
        """What decides which label belongs to which picture."""
        chosen = {"threshold": self.threshold, "camera": self.camera, "first_image": self.first_image}
        return {"release": "DISFA", **chosen}

    def read(self) -> RawRelease:
        """Everything below the root; raises ``InputError`` only if a folder that was named is not there."""
        reader = ReleaseReader(Path(self.root))
        for folder, names in reader.walk(self.images):
            where = reader.relative(folder).lower()
            if self._other_camera in where:
                continue
            if match := _IMAGES.fullmatch(f"/{where}"):
                reader.add_images(match[1].upper(), ONE_VIDEO, folder, names, first=self.first_image)
            for name in names:
                if (match := _VIDEO.fullmatch(name)) and self._other_camera not in name.lower():
                    reader.add_video(match[1].upper(), ONE_VIDEO, folder / name)
        self._read_labels(reader)
        return reader.release(name="DISFA", au_set=self.au_set, fps=self.fps, folds=DISFA_FOLDS)

    @property
    def _other_camera(self) -> str:
        return "right" if self.camera == "left" else "left"

    def _read_labels(self, reader: ReleaseReader) -> None:
        files: dict[str, dict[int, Path]] = {}
        for folder, names in reader.walk(self.labels):
            for name in names:
                if match := _LABELS.fullmatch(name):
                    of_subject = files.setdefault(match[1].upper(), {})
                    if of_subject.setdefault(int(match[2]), folder / name) != folder / name:
                        reader.problem(folder / name, "is there twice", mend="say which with data.release.labels=...")
        for subject, by_au in sorted(files.items()):
            folder = min(by_au.values()).parent
            missing = [au for au in self.au_set.aus if au not in by_au]
            if missing:
                reader.problem(folder, f"no file for AU{missing[0]}", count=len(missing), mend="copy the labels again")
                continue
            intensities = {}
            for au in self.au_set.aus:
                try:
                    intensities[au] = read_intensity(by_au[au])
                except InputError as error:
                    reader.problem(by_au[au], str(error))
            if len(intensities) == len(self.au_set.aus):
                reader.add_labels(subject, ONE_VIDEO, folder, occurrence(intensities, threshold=self.threshold))


def read_intensity(path: Path) -> pd.Series:
    """Intensity as text by frame, counted from 0; raises ``InputError`` if the file is no such list."""
    cells = read_cells(path)
    if cells.shape[1] != 2:
        raise InputError(f"{cells.shape[1]} columns instead of frame,intensity")
    return pd.Series(cells[1].to_numpy(), index=pd.Index(whole_numbers(cells[0]) - 1, name="frame"))


def occurrence(intensities: dict[int, pd.Series], *, threshold: int) -> pd.DataFrame:
    """``frame``, occurrence of every action unit (text 0 or 1, empty where the intensity is no number) and intensity.

    Frames that only some of the files have are kept, empty where they are missing; a frame that a file has twice is
    there twice.
    """
    columns = []
    for au, intensity in intensities.items():
        repeat = intensity.groupby(level="frame").cumcount()
        columns.append(pd.Series(intensity.to_numpy(), index=[intensity.index, repeat], name=f"intensity_AU{au}"))
    table = pd.concat(columns, axis="columns").fillna("").sort_index()
    numbers = table.apply(pd.to_numeric, errors="coerce")
    active = (numbers >= threshold).astype(int).astype(str).where(numbers.notna(), "")
    active.columns = pd.Index([name.removeprefix("intensity_") for name in table.columns])
    return pd.concat([active, table], axis="columns").reset_index(level=0, names="frame").reset_index(drop=True)
