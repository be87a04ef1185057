"""Output files of a scored video: score table, timeline of each track, annotated video."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame_source import FrameSource
from mdhr.files.atomic import write_bytes, write_text
from mdhr.inference.annotated_video import Annotation, draw_annotations
from mdhr.inference.predictor import Prediction, Predictor
from mdhr.inference.timeline import plot_timeline

NO_FACE = "no face found in any frame"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a score table as ``.csv``, with scores rounded to five digits, or as ``.parquet``.

    Raises ``InputError`` if the file cannot be written.
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


def plot_tracks(path: Path, predictor: Predictor, prediction: Prediction) -> list[Path]:
    """Plot the timeline of every track and return the paths of the figures.

    The path of a single track is ``path``, those of several tracks are ``<path>_track1.png`` and so on. A video without
    a detected face has an empty timeline.
    """
    num_tracks = len(prediction.scores)
    if num_tracks < 2:
        plot_track(path, predictor, prediction, 0 if num_tracks else None)
        return [path]
    paths = [path.with_name(f"{path.stem}_track{track}{path.suffix}") for track in range(1, num_tracks + 1)]
    for track, track_path in enumerate(paths):
        plot_track(track_path, predictor, prediction, track)
    return paths


def plot_track(path: Path, predictor: Predictor, prediction: Prediction, track: int | None) -> None:
    """Plot the timeline of one track (index from 0), or with None an empty timeline of the full video."""
    faces = prediction.faces
    name = Path(prediction.table["video"].iloc[0]).name
    if track is None:
        title, seconds, thumbnails = f"{name}: {NO_FACE}", faces.time, None
        scores = np.full((len(seconds), len(predictor.thresholds)), np.nan)
        face_found = np.zeros(len(seconds), dtype=bool)
    else:
        seconds, face_found = faces.tracks[track].time, faces.tracks[track].face_found
        scores = np.where(face_found[:, None], prediction.scores[track], np.nan)
        thumbnails = prediction.thumbnails[track]
        number = f", track {track + 1} of {len(faces.tracks)}" if len(faces.tracks) > 1 else ""
        title = f"Predicted action units of {name}{number}"
    plot_timeline(
        path,
        au_set=predictor.model.au_set,
        frames=thumbnails,
        seconds=seconds,
        scores=scores,
        threshold=predictor.thresholds,
        title=title,
        note=f"Model trained on {predictor.model.description.trained_on}.\nThis video has no ground-truth labels. "
        "Orange bars: predicted active.",
        face_found=face_found,
    )


def write_annotated_video(path: Path, source: FrameSource, predictor: Predictor, prediction: Prediction) -> None:
    """Write a copy of the video with the boxes and scores of all faces, without sound.

    Raises ``InputError`` if the source cannot be read or ``path`` cannot be written.
    """
    drawn = draw_annotations(
        ((frame.time, frame.rgb()) for frame in source.frames()),
        _annotations(prediction),
        names=predictor.model.au_set.columns,
        thresholds=predictor.thresholds,
    )
    with write_video(path) as add:
        for seconds, image in drawn:
            add(seconds, image)


def _annotations(prediction: Prediction) -> Iterator[list[Annotation]]:
    """Yield the annotations of every frame, one per detected face."""
    tracks = prediction.faces.tracks
    for frame in range(len(prediction.faces.time)):
        positions = [(index, track, frame - track.first) for index, track in enumerate(tracks)]
        yield [
            Annotation(index + 1, track.box[position], prediction.scores[index][position])
            for index, track, position in positions
            if 0 <= position < len(track.time) and track.face_found[position]
        ]
