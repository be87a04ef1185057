"""Code files of rendered videos: the known codes of a video in the formats of coding tools.

Interval formats contain one interval per uninterrupted occurrence of an action unit, from the start of its first frame
to the end of its last frame. An action unit that never occurs has an empty tier, if the format has tiers.

Letters: F frames, N action units.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.action_units.facs import ActionUnit, au_column, au_number
from mdhr.data.codes.textgrid import textgrid_text
from mdhr.files.atomic import temporary_path, write_text
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.label_tracks import run_lengths

CODER = "coder 1"
OPENFACE_SCALE = 5.0
"""Largest intensity in OpenFace's columns ``AU12_r``."""
DECIMALS = 4
"""Decimals of times in Praat files and event tables."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoCodes:
    """Known codes of a video.

    Attributes:
        video: path of the video file.
        subject: name of the subject.
        fps: frame rate.
        aus: the N action units.
        labels: ``(F, N)`` int8, 0 or 1.
        intensity: ``(F, N)`` intensities from 0 to 1.
    """

    video: Path
    subject: str
    fps: float
    aus: tuple[ActionUnit, ...]
    labels: np.ndarray
    intensity: FloatArray

    @property
    def columns(self) -> list[str]:
        """Column names of the action units."""
        return [au_column(au) for au in self.aus]

    @property
    def seconds(self) -> float:
        """Length of the video."""
        return len(self.labels) / self.fps

    @property
    def table(self) -> pd.DataFrame:
        """The labels with one column per action unit."""
        return pd.DataFrame(self.labels, columns=self.columns)

    def intervals(self) -> dict[str, list[tuple[float, float]]]:
        """Return the start and end in seconds of every occurrence, by column."""
        result = {}
        for column, track in zip(self.columns, self.labels.T, strict=True):
            lengths, values = run_lengths(track)
            ends = np.cumsum(lengths)
            bounds = np.stack([ends - lengths, ends], axis=1)[values == 1] / self.fps
            result[column] = [(float(start), float(end)) for start, end in bounds]
        return result

    def events(self) -> list[tuple[str, float, float]]:
        """Return column, start and end in seconds of every occurrence in the order of time."""
        return sorted(
            ((column, start, end) for column, bounds in self.intervals().items() for start, end in bounds),
            key=lambda event: event[1:],
        )


def write_eaf(path: Path, codes: VideoCodes) -> None:
    """Write an ELAN file with one tier per action unit."""
    from pympi.Elan import Eaf

    file = Eaf(author=CODER)
    video = codes.video.resolve()
    relative = os.path.relpath(video, path.parent.resolve())
    file.add_linked_file(video.as_uri(), relpath=relative, mimetype="video/mp4")
    for column, bounds in codes.intervals().items():
        file.add_tier(column, ann=CODER)
        for start, end in bounds:
            file.add_annotation(column, round(1000 * start), round(1000 * end), value=column)
    file.remove_tier("default")
    with temporary_path(path) as temporary:
        file.to_file(str(temporary))


def write_textgrid(path: Path, codes: VideoCodes) -> None:
    """Write a Praat TextGrid with one interval tier per action unit."""
    tiers = {
        column: [(round(start, DECIMALS), round(end, DECIMALS), column) for start, end in bounds]
        for column, bounds in codes.intervals().items()
    }
    write_text(path, textgrid_text(tiers, duration=round(codes.seconds, DECIMALS)))


def write_boris(path: Path, codes: VideoCodes) -> None:
    """Write BORIS's table of events: one row per start and one per end of an occurrence."""
    rows = []
    for column, start, end in codes.events():
        for status, seconds in (("START", start), ("STOP", end)):
            rows.append({
                "Observation id": codes.video.stem,
                "Observation duration": round(codes.seconds, DECIMALS),
                "Observation type": "Media file",
                "Source": codes.video.name,
                "FPS (frame/s)": codes.fps,
                "Subject": codes.subject,
                "Behavior": column,
                "Behavioral category": "FACS",
                "Behavior type": status,
                "Time": round(seconds, DECIMALS),
                "Media file name": codes.video.name,
                "Comment": "",
            })  # fmt: skip
    columns = [
        "Observation id", "Observation duration", "Observation type", "Source", "FPS (frame/s)", "Subject", "Behavior",
        "Behavioral category", "Behavior type", "Time", "Media file name", "Comment",
    ]  # fmt: skip
    _write_table(path, pd.DataFrame(rows, columns=columns).sort_values("Time", kind="stable"))


def write_noldus(path: Path, codes: VideoCodes) -> None:
    """Write an event log of The Observer XT: one row per start and one per end of an occurrence."""
    rows = []
    for column, start, end in codes.events():
        for kind, seconds, duration in (("State start", start, end - start), ("State stop", end, 0.0)):
            rows.append({
                "Time_Relative_sf": round(seconds, DECIMALS),
                "Duration_sf": round(duration, DECIMALS),
                "Observation": codes.video.stem,
                "Event_Log": CODER,
                "Subject": codes.subject,
                "Behavior": column,
                "Event_Type": kind,
                "Comment": "",
            })  # fmt: skip
    columns = [
        "Time_Relative_sf", "Duration_sf", "Observation", "Event_Log", "Subject", "Behavior", "Event_Type", "Comment",
    ]  # fmt: skip
    _write_table(
        path, pd.DataFrame(rows, columns=columns).sort_values("Time_Relative_sf", kind="stable"), separator=";"
    )


def write_csv(path: Path, codes: VideoCodes) -> None:
    """Write a frame table: the frame from 0, and 0 or 1 per action unit."""
    table = codes.table
    table.insert(0, "frame", np.arange(len(table)))
    _write_table(path, table)


def write_openface(path: Path, codes: VideoCodes) -> None:
    """Write a table like OpenFace's FeatureExtraction: the frame from 1, ``AU12_r`` from 0 to 5 and ``AU12_c``."""
    frames = np.arange(len(codes.labels))
    table = pd.DataFrame(
        {
            "frame": frames + 1,
            "face_id": 0,
            "timestamp": np.round(frames / codes.fps, 3),
            "confidence": 0.98,
            "success": 1,
        }
    )
    names = [f"AU{au_number(au):02d}" for au in codes.aus]
    for n, name in enumerate(names):
        table[f"{name}_r"] = np.round(OPENFACE_SCALE * np.clip(codes.intensity[:, n], 0, 1), 2)
    for n, name in enumerate(names):
        table[f"{name}_c"] = codes.labels[:, n].astype(float)
    _write_table(path, table, separator=", ")


CODE_FORMATS: dict[str, tuple[str, Callable[[Path, VideoCodes], None]]] = {
    "eaf": (".eaf", write_eaf),
    "boris": (".csv", write_boris),
    "noldus": (".csv", write_noldus),
    "textgrid": (".TextGrid", write_textgrid),
    "csv": (".csv", write_csv),
    "openface": (".csv", write_openface),
}
"""Suffix and writer of every format."""


def _write_table(path: Path, table: pd.DataFrame, *, separator: str = ",") -> None:
    text = io.StringIO()
    table.to_csv(text, sep="\t" if len(separator) > 1 else separator, index=False)
    write_text(path, text.getvalue().replace("\t", separator) if len(separator) > 1 else text.getvalue())
