"""Reader of the DISFA release: 27 subjects with one video each and the intensity of every action unit.

::

    Videos_LeftCamera/LeftVideoSN001_comp.avi     or images: SN001/SN001_0.png, LeftVideoSN001_comp/0.png
    ActionUnit_Labels/SN001/SN001_au1.txt         lines ``frame,intensity``, frames from 1, intensities 0 to 5

All may lie anywhere below the root. The case of names does not matter. Label files count frames from 1, this package
from 0.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pandas as pd
from pydantic import Field

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.facs import ActionUnit
from mdhr.config.ranges import FrameNumber, Name
from mdhr.data.folds import DISFA_FOLDS
from mdhr.data.releases.contents import ReleaseContents
from mdhr.data.releases.reader import ReleaseReader, parse_frame_numbers, read_cells
from mdhr.data.releases.released_lists import ONE_VIDEO
from mdhr.errors import InputError

_LABELS = re.compile(r"(SN\d{3})_AU0*(\d+)\.txt", re.IGNORECASE)
_VIDEO = re.compile(r"(?:left|right)video(SN\d{3})_comp\.(?:avi|mp4|mkv|mov|wmv)", re.IGNORECASE)
_IMAGES = re.compile(r".*/(?:(?:left|right)video)?(SN\d{3})(?:_comp)?(?:_aligned)?(?:/[^/]*)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class DisfaRelease:
    """DISFA in its distributed form.

    Attributes:
        root: folder with videos and labels.
        au_set: action units to read.
        threshold: lowest intensity that counts as occurrence.
        camera: left or right; paths that contain the name of the other camera are skipped.
        images: folder of the videos or images, relative to ``root`` or absolute; None searches the root.
        labels: folder of the label files, likewise.
        first_image: number of the first image of a video, for releases with images.
    """

    root: Name | Path
    au_set: ActionUnitSet
    threshold: Annotated[int, Field(ge=1, le=5)] = 2
    camera: Literal["left", "right"] = "left"
    images: Name | None = None
    labels: Name | None = None
    first_image: FrameNumber = 0
    fps: ClassVar[float] = 20.0

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that determine which label belongs to which frame."""
        chosen = {"threshold": self.threshold, "camera": self.camera, "first_image": self.first_image}
        return {"release": "DISFA", **chosen}

    def read(self) -> ReleaseContents:
        """Return the contents of the release; raises ``InputError`` if a configured folder does not exist."""
        reader = ReleaseReader(Path(self.root))
        for folder, names in reader.walk(self.images):
            where = reader.relative(folder).lower()
            if self._other_camera in where:
                continue
            if match := _IMAGES.fullmatch(f"/{where}"):
                reader.add_images(
                    match[1].upper(),
                    ONE_VIDEO,
                    folder,
                    names,
                    first=self.first_image,
                    first_setting="data.release.first_image",
                )
            for name in names:
                if (match := _VIDEO.fullmatch(name)) and self._other_camera not in name.lower():
                    reader.add_video(match[1].upper(), ONE_VIDEO, folder / name)
        self._read_labels(reader)
        return reader.contents(name="DISFA", au_set=self.au_set, fps=self.fps, folds=DISFA_FOLDS)

    @property
    def _other_camera(self) -> str:
        return "right" if self.camera == "left" else "left"

    def _read_labels(self, reader: ReleaseReader) -> None:
        files: dict[str, dict[ActionUnit, Path]] = {}
        for folder, names in reader.walk(self.labels):
            for name in names:
                if match := _LABELS.fullmatch(name):
                    of_subject = files.setdefault(match[1].upper(), {})
                    if of_subject.setdefault(int(match[2]), folder / name) != folder / name:
                        reader.add_problem(
                            folder / name, "exists twice", fix="select one with data.release.labels=<folder>"
                        )
        for subject, by_au in sorted(files.items()):
            folder = min(by_au.values()).parent
            missing = [au for au in self.au_set.aus if au not in by_au]
            if missing:
                reader.add_problem(
                    folder, f"no file for AU{missing[0]}", count=len(missing), fix="copy the labels again"
                )
                continue
            intensities = {}
            for au in self.au_set.aus:
                try:
                    intensities[au] = read_intensity(by_au[au])
                except InputError as error:
                    reader.add_problem(by_au[au], str(error))
            if len(intensities) == len(self.au_set.aus):
                reader.add_labels(subject, ONE_VIDEO, folder, occurrence(intensities, threshold=self.threshold))


def read_intensity(path: Path) -> pd.Series:
    """Return intensities as text, indexed by frame from 0; raises ``InputError`` if the file is not such a list."""
    cells = read_cells(path)
    if cells.shape[1] != 2:
        raise InputError(f"{cells.shape[1]} columns, expected 2: frame and intensity")
    return pd.Series(cells[1].to_numpy(), index=pd.Index(parse_frame_numbers(cells[0]) - 1, name="frame"))


def occurrence(intensities: dict[ActionUnit, pd.Series], *, threshold: int) -> pd.DataFrame:
    """Return ``frame``, occurrence and intensity of every action unit, as text.

    An occurrence is 0, 1, or empty if the intensity is not a number. Frames that some of the files lack are empty
    there. A frame that a file contains twice has two rows.

    Args:
        intensities: intensity by action unit, see :func:`read_intensity`.
        threshold: lowest intensity that counts as occurrence.
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
