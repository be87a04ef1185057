"""Score table of a video: one row per frame and face track."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.faces.face_track import FaceTracks

BOX_COLUMNS = ["box_x", "box_y", "box_width", "box_height"]


def make_score_table(
    video: str,
    faces: FaceTracks,
    scores: Sequence[np.ndarray],
    *,
    au_set: ActionUnitSet,
    thresholds: np.ndarray,
    images: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the score table, sorted by frame and track.

    Columns: ``video``; ``track`` from 1, empty in a frame without any track; ``frame`` from 0; ``time_seconds``;
    ``image``, the file name of the frame, empty for a video file; ``box_*``, the face box in pixels of the video;
    ``confidence`` of the detector, 0 to 1; ``score_AU1``, ..., 0 to 1; ``AU1``, ..., 1 if the score is at least the
    threshold, else 0. All columns from ``box_x`` on are empty if the face was not detected in the frame.

    Args:
        scores: ``(F, N)`` per track.
        thresholds: ``(N,)``.
        images: ``F`` file names of the frames; None for a video file.
    """
    without_track = np.ones(len(faces.time), dtype=bool)
    for track in faces.tracks:
        without_track[track.first : track.end] = False
    numbers, frames, boxes, confidences, rows = [], [], [], [], []
    for number, (track, track_scores) in enumerate(zip(faces.tracks, scores, strict=True), start=1):
        detected = track.face_found[:, None]
        numbers.append(np.full(len(track.time), number))
        frames.append(np.arange(track.first, track.end))
        boxes.append(np.where(detected, track.box.round(2), np.nan))
        confidences.append(np.where(track.face_found, track.confidence, np.nan))
        rows.append(np.where(detected, track_scores, np.float32(np.nan)))
    num_empty = int(without_track.sum())
    frame = np.concatenate([*frames, np.flatnonzero(without_track)])
    order = np.argsort(frame, kind="stable")
    score = np.concatenate([*rows, np.full((num_empty, len(au_set.aus)), np.nan, np.float32)])[order]
    box = np.concatenate([*boxes, np.full((num_empty, 4), np.nan)])[order]
    missing = np.isnan(score)
    columns = {
        "video": pd.array([video] * len(frame), dtype="str"),
        "track": _nullable(np.concatenate([*numbers, np.zeros(num_empty)])[order], "Int64", missing=0),
        "frame": frame[order],
        "time_seconds": faces.time[frame[order]].round(4),
        "image": pd.array([images[i] if images else None for i in frame[order]], dtype="str"),
        **{name: box[:, i] for i, name in enumerate(BOX_COLUMNS)},
        "confidence": np.concatenate([*confidences, np.full(num_empty, np.nan)])[order].astype(np.float32),
        **{f"score_{name}": score[:, n] for n, name in enumerate(au_set.columns)},
        **{
            name: _nullable(np.where(missing[:, n], -1, score[:, n] >= thresholds[n]), "Int8", missing=-1)
            for n, name in enumerate(au_set.columns)
        },
    }
    return pd.DataFrame(columns)


def _nullable(values: np.ndarray, dtype: str, *, missing: int) -> pd.api.extensions.ExtensionArray:
    """Return integers of a nullable pandas type; values equal to ``missing`` are empty."""
    return pd.arrays.IntegerArray(values.astype(dtype.lower()), values == missing)
