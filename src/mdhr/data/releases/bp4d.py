"""Reader of the BP4D release: 41 subjects with 8 tasks each.

::

    <images>/F001/T1/2440.jpg         one image per frame, number padded or not; or one video file, 2F01_01.avi
    <labels>/F001_T1.csv              header of action unit numbers, first column the frame number; 0, 1, 9 or empty
                                      (unknown)

Both may lie anywhere below the root. The case of names does not matter.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.facs import ActionUnit
from mdhr.config.ranges import FrameNumber, Name
from mdhr.data.folds import BP4D_FOLDS
from mdhr.data.releases.contents import ReleaseContents
from mdhr.data.releases.reader import ReleaseReader, parse_frame_numbers, read_cells
from mdhr.errors import InputError

_LABELS = re.compile(r"([FM])(\d{1,3})_T?(\d{1,2})\.csv", re.IGNORECASE)
_VIDEO = re.compile(r"2?([FM])(\d{1,3})_T?(\d{1,2})\.(?:avi|mp4|mkv|mov|wmv)", re.IGNORECASE)
_IMAGES = re.compile(r".*/([FM])(\d{1,3})/T(\d{1,2})", re.IGNORECASE)
_LABEL_CELLS = {"0", "1", "9", ""}
_AU = re.compile(r"(?:AU)?\s*0*(\d+)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Bp4dRelease:
    """BP4D in its distributed form.

    Attributes:
        root: folder with images and labels.
        au_set: action units to read, selected by the numbers in the header.
        images: folder of the images or videos, relative to ``root`` or absolute; None searches the root.
        labels: folder of the label files, likewise.
        first_frame: number of the first frame of a video file. Images contain their number in the name.
    """

    root: Name | Path
    au_set: ActionUnitSet
    images: Name | None = None
    labels: Name | None = None
    first_frame: FrameNumber = 0
    fps: ClassVar[float] = 25.0

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that determine which label belongs to which frame."""
        return {"release": "BP4D", "first_frame": self.first_frame}

    def read(self) -> ReleaseContents:
        """Return the contents of the release; raises ``InputError`` if a configured folder does not exist."""
        reader = ReleaseReader(Path(self.root))
        for folder, names in reader.walk(self.images):
            if match := _IMAGES.fullmatch(folder.as_posix()):
                reader.add_images(*_video(match), folder, names)
            for name in names:
                if match := _VIDEO.fullmatch(name):
                    reader.add_video(
                        *_video(match), folder / name, first=self.first_frame, first_setting="data.release.first_frame"
                    )
        for folder, names in reader.walk(self.labels):
            for name in names:
                if match := _LABELS.fullmatch(name):
                    try:
                        reader.add_labels(*_video(match), folder / name, read_occurrence(folder / name, self.au_set))
                    except InputError as error:
                        reader.add_problem(folder / name, str(error))
        return reader.contents(name="BP4D", au_set=self.au_set, fps=self.fps, folds=BP4D_FOLDS)


def read_occurrence(path: Path, au_set: ActionUnitSet) -> pd.DataFrame:
    """Return ``frame`` and one text column per action unit, selected by the numbers in the header.

    Raises ``InputError`` if the file is not such a table, has no header, or an action unit has no column or two.
    """
    cells = read_cells(path)
    if cells.shape[1] > 2 and set(cells.iloc[0, 1:].str.strip()) <= _LABEL_CELLS:
        raise InputError("no header: the first line contains labels; add a line with the AU numbers above it")
    header = [_AU.fullmatch(cell) for cell in cells.iloc[0]]
    column_of: dict[ActionUnit, int] = {}
    for column, match in enumerate(header):
        if column and match:  # the first column contains the frame number, regardless of its header
            if int(match[1]) in column_of:
                raise InputError(
                    f"two columns for AU{int(match[1])}; the first line must contain the action unit numbers"
                )
            column_of[int(match[1])] = column
    missing = [au for au in au_set.aus if au not in column_of]
    if missing:
        raise InputError(
            f"no column for AU{missing[0]} ({len(missing)} missing); the first line must contain the action unit numbers"
        )
    columns = {f"AU{au}": cells[column_of[au]].iloc[1:] for au in au_set.aus}
    return pd.DataFrame({"frame": parse_frame_numbers(cells[0].iloc[1:]), **columns})


def _video(match: re.Match[str]) -> tuple[str, str]:
    """Return subject and task, such as ``F001`` and ``T1``."""
    sex, number, task = match.groups()
    return f"{sex.upper()}{int(number):03d}", f"T{int(task)}"
