"""Interval files of a scored video, which coders open and correct: ELAN, BORIS, Praat TextGrid, csv.

One tier per person and action unit: ``AU12``, or ``AU12@track2`` in a video with several tracks. All tiers of the model
exist, also those without an interval.
"""

import mimetypes
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from pympi import Elan

from mdhr.data.codes.textgrid import textgrid_text
from mdhr.files.atomic import write_bytes, write_text
from mdhr.inference.intervals import (
    ActiveInterval,
    active_columns,
    active_intervals,
    frame_ends,
    milliseconds,
    track_numbers,
)
from mdhr.inference.predictor import Prediction

EAF_FORMAT = "3.0"
BORIS_DECIMALS = 3


class CodedVideo:
    """Intervals of a video and what interval files contain about it.

    Args:
        video: path of the video or of the folder of images.
        prediction: scores of the video.

    Attributes:
        tiers: names of the tiers with their intervals, in the order of tracks and action units.
        duration: end of the last frame in milliseconds.
    """

    def __init__(self, video: Path, prediction: Prediction) -> None:
        table, time = prediction.table, prediction.faces.time
        self.video = video
        self.intervals = active_intervals(table, time)
        self.tracks = track_numbers(table)
        self.duration = milliseconds(frame_ends(time)[-1]) if len(time) else 0
        self.fps = len(time) / frame_ends(time)[-1] if len(time) else 0.0
        self.tiers: dict[tuple[int, str], list[ActiveInterval]] = {
            (track, column): [] for track in self.tracks for column in active_columns(table)
        }
        for interval in self.intervals:
            self.tiers[interval.track, interval.column].append(interval)

    def tier_name(self, track: int, column: str) -> str:
        """Return the name of a tier: ``AU12``, or ``AU12@track2`` in a video with several tracks."""
        return column if len(self.tracks) == 1 else f"{column}@track{track}"


def write_eaf(path: Path, coded: CodedVideo) -> None:
    """Write an ELAN file (EAF 3.0) that is linked to the video. The value of an annotation is the mean score."""
    eaf = Elan.Eaf(author="mdhr predict")
    eaf.remove_tier("default")
    eaf.adocument |= {
        "DATE": datetime.fromtimestamp(int(coded.video.stat().st_mtime), UTC).isoformat(),
        "FORMAT": EAF_FORMAT,
        "VERSION": EAF_FORMAT,
        "xsi:noNamespaceSchemaLocation": f"http://www.mpi.nl/tools/elan/EAFv{EAF_FORMAT}.xsd",
    }
    eaf.header = {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"}
    if coded.video.is_file():
        target = coded.video.resolve()
        relative = os.path.relpath(target, path.parent.resolve())
        eaf.add_linked_file(
            f"file://{_text(target.as_posix())}",
            relpath=_text(relative if relative.startswith("..") else f"./{relative}"),
            mimetype=mimetypes.guess_type(target.name)[0] or "unknown",
        )
    for (track, column), intervals in coded.tiers.items():
        name = coded.tier_name(track, column)
        eaf.add_tier(name, part=f"track{track}", ann="mdhr")
        for interval in intervals:
            eaf.add_annotation(name, interval.start, interval.end, f"{interval.score:.2f}")
    _sort_time_slots(eaf)
    eaf.properties = [("lastUsedAnnotationId", len(coded.intervals))]
    write_bytes(path, b'<?xml version="1.0" encoding="UTF-8"?>\n' + Elan.to_string(eaf, encoding="UTF-8"))


def write_boris(path: Path, coded: CodedVideo) -> None:
    """Write tabular events as BORIS 8 exports them: tab-separated, one START and one STOP row per interval."""
    rows = sorted(
        (time, kind, interval.track, interval.column, frame, interval.score)
        for interval in coded.intervals
        for kind, time, frame in (("START", interval.start, interval.first), ("STOP", interval.end, interval.last + 1))
    )
    table = pd.DataFrame(
        {
            "Observation id": path.name.removesuffix("_boris.tsv"),
            "Source": coded.video.name,
            "Time offset (s)": 0,
            "Media duration (s)": coded.duration / 1000,
            "FPS (frame/s)": round(coded.fps, BORIS_DECIMALS),
            "Subject": [f"track{track}" for _, _, track, *_ in rows],
            "Behavior": [column for _, _, _, column, *_ in rows],
            "Behavioral category": "",
            "Behavior type": [kind for _, kind, *_ in rows],
            "Time": [f"{time / 1000:.{BORIS_DECIMALS}f}" for time, *_ in rows],
            "Media file name": str(coded.video),
            "Image index": [frame for *_, frame, _ in rows],
            "Comment": [f"mean score {score:.2f}" if kind == "START" else "" for _, kind, *_, score in rows],
        }
    )
    write_text(path, table.to_csv(index=False, sep="\t"))


def write_textgrid(path: Path, coded: CodedVideo) -> None:
    """Write a Praat TextGrid."""
    duration = max([coded.duration, *(interval.end for interval in coded.intervals)]) / 1000
    tiers = {
        coded.tier_name(track, column): [(i.start / 1000, i.end / 1000, f"{i.score:.2f}") for i in intervals]
        for (track, column), intervals in coded.tiers.items()
    }
    write_text(path, textgrid_text(tiers, duration=duration))


def write_interval_table(path: Path, coded: CodedVideo) -> None:
    """Write a csv with one row per interval: ``track``, ``au``, ``start_seconds``, ``end_seconds``, frames, mean score."""
    table = pd.DataFrame(
        {
            "video": str(coded.video),
            "track": [interval.track for interval in coded.intervals],
            "au": [interval.column for interval in coded.intervals],
            "start_seconds": [interval.start / 1000 for interval in coded.intervals],
            "end_seconds": [interval.end / 1000 for interval in coded.intervals],
            "first_frame": [interval.first for interval in coded.intervals],
            "last_frame": [interval.last for interval in coded.intervals],
            "mean_score": [round(interval.score, 5) for interval in coded.intervals],
        }
    )
    write_text(path, table.to_csv(index=False))


INTERVAL_WRITERS: dict[str, tuple[str, Callable[[Path, CodedVideo], None]]] = {
    "eaf": (".eaf", write_eaf),
    "boris": ("_boris.tsv", write_boris),
    "textgrid": (".TextGrid", write_textgrid),
    "intervals": ("_intervals.csv", write_interval_table),
}
"""Ending of the file and writer by format."""


def _sort_time_slots(eaf: Elan.Eaf) -> None:
    """Number the time slots in the order of time, as EAF requires."""
    order = sorted(eaf.timeslots, key=lambda name: (eaf.timeslots[name], int(name[2:])))
    names = {old: f"ts{number}" for number, old in enumerate(order, start=1)}
    eaf.timeslots = {names[old]: eaf.timeslots[old] for old in order}
    for annotations, *_ in eaf.tiers.values():
        for key, (start, end, *rest) in annotations.items():
            annotations[key] = (names[start], names[end], *rest)


def _text(path: str) -> str:
    """Return a path as ELAN stores it: unquoted, except for characters that XML does not allow."""
    return "".join(c if c.isprintable() else quote(c, errors="surrogateescape") for c in path)
