"""Two codings of the same videos on common frames."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING, ActionUnitSet, action_unit_set
from mdhr.action_units.facs import FACE_PARTS, ActionUnit, action_unit, au_column, sorted_aus
from mdhr.data.codes.reading import read_codes
from mdhr.data.codes.settings import CodeSettings
from mdhr.errors import InputError
from mdhr.reporting.agreement_inputs import CodedSource
from mdhr.reporting.agreement_table import CodedPair


def read_pairs(
    sources: Sequence[tuple[CodedSource, CodedSource]], *, fps: float | None, settings: CodeSettings
) -> tuple[list[CodedPair], list[str], list[str]]:
    """Return the pairs, the columns of the action units that both code, and problems of the files as lines of text.

    Args:
        fps: frame rate of all videos; None takes it from score tables.

    Raises:
        InputError: a file cannot be read, no frame rate is known, or no action unit is coded by both.
    """
    tables, problems = [], []
    for pair in sources:
        rate = fps or pair[0].fps or pair[1].fps
        if rate is None:
            raise InputError(f"{pair[0].path}: the frame rate of the video is unknown. Pass --fps, such as --fps 25.")
        read, found = _read_pair(pair, fps=rate, settings=settings)
        tables.append((pair, rate, read))
        problems += found
    coded = [{c for c in a if c != "frame" and _known(a, c) and _known(b, c)} for _, _, (a, b) in tables]
    columns = [au_column(au) for au in sorted_aus({action_unit(column) for column in set().union(*coded)})]
    if not columns:
        raise InputError(
            "no action unit is coded in both A and B. Check the names of columns and tiers, or pass --mapping."
        )
    pairs = [
        CodedPair(
            video=pair[0].names[0],
            subject=pair[0].subject or pair[1].subject,
            fps=rate,
            labels_a=_labels(a, columns, num_frames=_length(a, b)),
            labels_b=_labels(b, columns, num_frames=_length(a, b)),
            intensities_a=_intensities(a, columns, num_frames=_length(a, b)),
            intensities_b=_intensities(b, columns, num_frames=_length(a, b)),
        )
        for pair, rate, (a, b) in tables
    ]
    return pairs, columns, problems


def _read_pair(
    pair: tuple[CodedSource, CodedSource], *, fps: float, settings: CodeSettings
) -> tuple[list[pd.DataFrame], list[str]]:
    """Return both tables with the action units that occur in one of them.

    Files are read twice: the first time shows which action units occur, and how long files without an end are.
    """
    lengths = [_length(source.table) for source in pair if source.table is not None]
    num_frames = max(lengths) if lengths else None
    every = _set_of([code for part in FACE_PARTS for au in part.au_names for code in (au, f"L{au}", f"R{au}")])
    first = [_read(source, every, fps, num_frames, replace(settings, absent="unknown")) for source in pair]
    problems = [line for _, lines in first for line in lines]
    tables = [table for table, _ in first]
    coded = {action_unit(c) for table in tables for c in table if _is_label(c) and _known(table, c)}
    if coded:
        total = num_frames or _length(*tables)
        tables = [_read(source, _set_of(sorted_aus(coded)), fps, total, settings)[0] for source in pair]
    return tables, problems


def _read(
    source: CodedSource, au_set: ActionUnitSet, fps: float, num_frames: int | None, settings: CodeSettings
) -> tuple[pd.DataFrame, list[str]]:
    if source.table is not None:
        return source.table[["frame", *(c for c in au_set.columns if c in source.table)]], []
    try:
        table, problems = read_codes(source.path, au_set=au_set, fps=fps, num_frames=num_frames, settings=settings)
    except InputError as error:
        raise InputError(f"{source.path}: {error}") from error
    return table, [f"{problem.where}: {problem.what}" for problem in problems if problem.level == "error"]


def _set_of(aus: Sequence[ActionUnit]) -> ActionUnitSet:
    return action_unit_set("coded", aus, [{"name": "face", "region": "middle", "aus": list(aus)}])


def _is_label(column: str) -> bool:
    return column != "frame" and not column.startswith("intensity_")


def _known(table: pd.DataFrame, column: str) -> bool:
    return _is_label(column) and column in table and bool((table[column] != MISSING).any())


def _length(*tables: pd.DataFrame) -> int:
    return max((int(table["frame"].max()) + 1 for table in tables if len(table)), default=0)


def _labels(table: pd.DataFrame, columns: Sequence[str], *, num_frames: int) -> np.ndarray:
    """Return ``(F, N)`` int8 labels of all frames; absent frames and columns are ``MISSING``."""
    wide = table.set_index("frame").reindex(index=range(num_frames), columns=list(columns))
    return wide.fillna(MISSING).to_numpy(np.int8)


def _intensities(table: pd.DataFrame, columns: Sequence[str], *, num_frames: int) -> np.ndarray | None:
    """Return ``(F, N)`` intensities, NaN where unknown; None if the table has none."""
    names = [f"intensity_{column}" for column in columns]
    if not set(names) & set(table):
        return None
    wide = table.set_index("frame").reindex(index=range(num_frames), columns=names).to_numpy(float)
    return np.where(wide == MISSING, np.nan, wide)
