"""Labels per frame from a code file of any format."""

from pathlib import Path

import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.codes.settings import CodeSettings
from mdhr.data.problems import Problem


def read_codes(
    path: Path, *, au_set: ActionUnitSet, fps: float, num_frames: int | None, settings: CodeSettings
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the labels of one video and the problems of its code file.

    Args:
        path: frame table (csv, tsv, txt, xlsx, parquet), OpenFace table, event list of BORIS or Noldus Observer (csv,
            tsv, txt, xlsx), ELAN file (eaf) or Praat file (TextGrid).
        au_set: action units to read.
        fps: frame rate of the video.
        num_frames: number of frames of the video. None: intervals end the table, and nothing is beyond the end.
        settings: how the file is read.

    Returns:
        Table with int64 ``frame`` from 0, ascending, and one int8 column per action unit (``AU12``, ``L12``) with 0, 1 or
        -1 (unknown); ``intensity_AU12`` (0 to 5, -1 unknown) if ``settings.threshold`` is set and the file is a frame
        table. Then the problems. The table excludes frames beyond the end of the video.

    Raises:
        InputError: the file cannot be read, or is of no supported format. The message starts without the path.
    """
    raise NotImplementedError
