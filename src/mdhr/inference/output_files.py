"""What a scored video leaves: its table, a picture of everybody's action units, and the video with both drawn in."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame_source import FrameSource
from mdhr.files.atomic import write_bytes, write_text
from mdhr.inference.annotated_video import Annotation, annotate
from mdhr.inference.predictor import Prediction, Predictor
from mdhr.inference.timeline import draw_timeline

NO_FACE = "no face found in any frame"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write it as ``path`` ends, in ``.csv`` or ``.parquet``; scores have five digits in CSV, all in Parquet.

    Raises ``InputError`` where that cannot be done.
    """
    if path.suffix == ".csv":
        rounded = table.round(
            {column: 5 for column in table.columns if column.startswith("score_")} | {"confidence": 2}
        )
        write_text(path, rounded.to_csv(index=False))
        return
    content = io.BytesIO()
    table.to_parquet(content, index=False)
    write_bytes(path, content.getvalue())


def draw_tracks(path: Path, predictor: Predictor, prediction: Prediction) -> list[Path]:
    """Draw the timeline of every track: ``path``, or where there are several ``<path>_track1.png`` and so on.

    Returns what was written; a video without a face gets a picture that says so.
    """
    number = len(prediction.scores)
    if number < 2:
        draw_track(path, predictor, prediction, 0 if number else None)
        return [path]
    paths = [path.with_name(f"{path.stem}_track{track}{path.suffix}") for track in range(1, number + 1)]
    for track, each in enumerate(paths):
        draw_track(each, predictor, prediction, track)
    return paths


def draw_track(path: Path, predictor: Predictor, prediction: Prediction, track: int | None) -> None:
    """Draw the scores of one track (from 0) over the time that it lasts, or of none over the whole video."""
    found = prediction.found
    name = Path(prediction.table["video"].iloc[0]).name
    trained_on = f"The network was trained on {predictor.model.description.trained_on}."
    if track is None:
        title, seconds, pictures = f"What the network says of {name}: {NO_FACE}", found.time, None
        scores = np.full((len(seconds), len(predictor.thresholds)), np.nan)
        face_found = np.zeros(len(seconds), dtype=bool)
    else:
        seconds, face_found = found.tracks[track].time, found.tracks[track].face_found
        scores = np.where(face_found[:, None], prediction.scores[track], np.nan)
        pictures = prediction.pictures[track]
        several = f", track {track + 1} of {len(found.tracks)}" if len(found.tracks) > 1 else ""
        title = f"What the network says of the face in {name}{several}"
    draw_timeline(
        path,
        au_set=predictor.model.au_set,
        frames=pictures,
        seconds=seconds - found.time[0],
        scores=scores,
        threshold=predictor.thresholds,
        title=title,
        note=f"{trained_on}\nWhat is really active in this video nobody has coded. Orange: the network says that the "
        "action unit is active.",
        face_found=face_found,
    )


def write_annotated(path: Path, source: FrameSource, predictor: Predictor, prediction: Prediction) -> None:
    """Write the video once more with the boxes and scores of all frames, for people to look at; without sound.

    Raises ``InputError`` where the source cannot be read or ``path`` not be written.
    """
    drawn = annotate(
        source.frames(),
        _annotations(prediction),
        names=predictor.model.au_set.columns,
        thresholds=predictor.thresholds,
    )
    with write_video(path) as add:
        for seconds, picture in drawn:
            add(seconds, picture)


def _annotations(prediction: Prediction) -> Iterator[list[Annotation]]:
    """Of every frame; none of a face that was not found in it."""
    tracks = prediction.found.tracks
    for frame in range(len(prediction.found.time)):
        places = [(number, track, frame - track.first) for number, track in enumerate(tracks)]
        yield [
            Annotation(number + 1, track.box[place], prediction.scores[number][place])
            for number, track, place in places
            if 0 <= place < len(track.time) and track.face_found[place]
        ]
