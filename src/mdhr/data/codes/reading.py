"""Labels per frame from a code file of any format."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.action_units.facs import au_column
from mdhr.data.codes.boris import boris_header, read_boris
from mdhr.data.codes.cells import TABLE_SUFFIXES, read_rows
from mdhr.data.codes.eaf import read_eaf
from mdhr.data.codes.events import CodedEvents, absent_problem, intervals_of
from mdhr.data.codes.frame_positions import mismatch
from mdhr.data.codes.frame_tables import label_frames, parse_frame_table
from mdhr.data.codes.intervals import active_frames, check_intervals
from mdhr.data.codes.noldus import noldus_header, read_noldus
from mdhr.data.codes.openface import is_openface, parse_openface
from mdhr.data.codes.settings import CodeSettings
from mdhr.data.codes.textgrid import read_textgrid
from mdhr.data.problems import Problem
from mdhr.errors import InputError

CODE_SUFFIXES = frozenset({*TABLE_SUFFIXES, ".eaf", ".textgrid"})
"""Suffixes of code files, in lower case."""


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
        table. Then the problems, whose place is ``path``. The table excludes frames beyond the end of the video.

    Raises:
        InputError: the file cannot be read, or is of no supported format. The message does not contain the path.
    """
    try:
        coded = _read(path, settings)
        if isinstance(coded, CodedEvents):
            return _label_intervals(
                coded, au_set=au_set, fps=fps, num_frames=num_frames, where=str(path), settings=settings
            )
        is_pseudo = is_openface(coded[0])
        table = (
            parse_openface(coded, settings=settings)
            if is_pseudo
            else parse_frame_table(coded, where=str(path), settings=settings)
        )
        chosen = replace(settings, threshold=None, first_frame=0) if is_pseudo else settings
        return label_frames(table, au_set=au_set, fps=fps, num_frames=num_frames, where=str(path), settings=chosen)
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{path} ").removeprefix(f"{path}: ")) from error


def _read(path: Path, settings: CodeSettings) -> CodedEvents | list[list[str]]:
    """Return the events of a file, or the rows of a frame table."""
    suffix = path.suffix.lower()
    if suffix == ".eaf":
        return read_eaf(path)
    if suffix == ".textgrid":
        return read_textgrid(path)
    if suffix not in TABLE_SUFFIXES:
        raise InputError(
            f"unsupported format {suffix or 'without suffix'}: expected {', '.join(sorted(CODE_SUFFIXES))}"
        )
    rows = read_rows(path)
    if (header := noldus_header(rows)) is not None:
        return read_noldus(rows, header=header, where=str(path))
    if (header := boris_header(rows)) is not None:
        return read_boris(rows, header=header, where=str(path))
    return rows


def _label_intervals(
    coded: CodedEvents, *, au_set: ActionUnitSet, fps: float, num_frames: int | None, where: str, settings: CodeSettings
) -> tuple[pd.DataFrame, list[Problem]]:
    intervals, coded_aus, unknown = intervals_of(coded, where=where, settings=settings)
    selected = [interval for interval in intervals if interval.au in au_set.aus]
    problems = [*coded.problems, *unknown]
    if coded.fps and settings.coding_fps is None and abs(coded.fps / fps - 1) > 0.02:
        problems.append(mismatch(round(coded.fps, 2), fps=fps, where=where, detail="according to the file"))
    problems += check_intervals(selected, where=where, fps=fps, num_frames=num_frames)
    if num_frames is None:
        num_frames = int(np.ceil(max((interval.end for interval in intervals), default=0.0) * fps))
    absent = settings.absent or ("error" if coded.lists_all else "inactive")
    labels: dict[str, np.ndarray] = {"frame": np.arange(num_frames, dtype=np.int64)}
    for au in au_set.aus:
        members = [interval for interval in selected if interval.au == au]
        labels[au_column(au)] = active_frames(members, fps=fps, num_frames=num_frames)
        if au not in coded_aus and absent != "inactive":
            labels[au_column(au)][:] = MISSING
            if absent == "error":
                problems.append(absent_problem(au, where=where, kind="tier" if coded.lists_all else "behavior"))
    return pd.DataFrame(labels), problems
