"""Reads the BP4D release: 41 people, 8 tasks each, every coded frame with an image and a line of occurrences.

::

    <images>/F001/T1/2440.jpg         names padded or not; or <images>/2F01_01.avi, one file a video
    <labels>/F001_T1.csv              header of action unit numbers, first column the frame's number; 0, 1, 9 unknown

Both may lie anywhere below the root, and names may be in any case.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.folds import BP4D_FOLDS
from mdhr.data.releases.release import RawRelease, ReleaseReader, read_cells, whole_numbers
from mdhr.errors import InputError

_LABELS = re.compile(r"([FM])(\d{1,3})_T?(\d{1,2})\.csv", re.IGNORECASE)
_VIDEO = re.compile(r"2?([FM])(\d{1,3})_T?(\d{1,2})\.(?:avi|mp4|mkv|mov|wmv)", re.IGNORECASE)
_IMAGES = re.compile(r".*/([FM])(\d{1,3})/T(\d{1,2})", re.IGNORECASE)
_AU = re.compile(r"(?:AU)?\s*0*(\d+)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Bp4dRelease:
    """BP4D as it was handed out.

    Attributes:
        root: the folder that images and labels lie below.
        au_set: action units to read; their columns are chosen by the header's numbers, never by position.
        images: folder of the images or videos, relative to ``root`` or absolute; None looks everywhere.
        labels: the same for the label files.
        first_frame: number of the first picture of a video file; images say their number themselves.
    """

    root: str | Path
    au_set: ActionUnitSet
    images: str | None = None
    labels: str | None = None
    first_frame: int = 0
    fps: ClassVar[float] = 25.0

    @property
    def settings(self) -> dict[str, Any]:
        """What decides which label belongs to which picture."""
        return {"release": "BP4D", "first_frame": self.first_frame}

    def read(self) -> RawRelease:
        """Everything below the root; raises ``InputError`` only if a folder that was named is not there."""
        reader = ReleaseReader(Path(self.root))
        for folder, names in reader.walk(self.images):
            if match := _IMAGES.fullmatch(folder.as_posix()):
                reader.add_images(*_video(match), folder, names)
            for name in names:
                if match := _VIDEO.fullmatch(name):
                    reader.add_video(*_video(match), folder / name, first=self.first_frame)
        for folder, names in reader.walk(self.labels):
            for name in names:
                if match := _LABELS.fullmatch(name):
                    try:
                        reader.add_labels(*_video(match), folder / name, read_occurrence(folder / name, self.au_set))
                    except InputError as error:
                        reader.problem(folder / name, str(error))
        return reader.release(name="BP4D", au_set=self.au_set, fps=self.fps, folds=BP4D_FOLDS)


def read_occurrence(path: Path, au_set: ActionUnitSet) -> pd.DataFrame:
    """``frame`` and one text column an action unit, chosen by the numbers in the header.

    Raises ``InputError`` if the file is no such table or an action unit has no column, or two.
    """
    cells = read_cells(path)
    header = [_AU.fullmatch(cell) for cell in cells.iloc[0]]
    column_of: dict[int, int] = {}
    for column, match in enumerate(header):
        if column and match:  # the first column is the frame's number, whatever its header says
            if int(match[1]) in column_of:
                raise InputError(f"two columns for AU{int(match[1])}: is the header of action unit numbers missing?")
            column_of[int(match[1])] = column
    missing = [au for au in au_set.aus if au not in column_of]
    if missing:
        raise InputError(f"no column for AU{missing[0]} ({len(missing)} missing): the first line must name the AUs")
    columns = {f"AU{au}": cells[column_of[au]].iloc[1:] for au in au_set.aus}
    return pd.DataFrame({"frame": whole_numbers(cells[0].iloc[1:]), **columns})


def _video(match: re.Match[str]) -> tuple[str, str]:
    """Subject and task: ``F001``, ``T1``."""
    sex, person, task = match.groups()
    return f"{sex.upper()}{int(person):03d}", f"T{int(task)}"
