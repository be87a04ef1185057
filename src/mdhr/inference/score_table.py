"""The table of a scored video: one row a frame and person, for people and statistics programs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.faces.face_track import FaceTracks

BOX = ["box_x", "box_y", "box_width", "box_height"]


def score_table(
    video: str, found: FaceTracks, scores: Sequence[np.ndarray], *, au_set: ActionUnitSet, thresholds: np.ndarray
) -> pd.DataFrame:
    """One row a frame and track, by frame and then by track; frames without any track are one row without values.

    ``video``; ``track`` from 1 (empty: nobody is there); ``frame`` from 0; ``time_seconds``; ``box_*``, the face in
    pixels of the video, and ``confidence`` of the detector from 0 to 1; ``score_AU1``, ... from 0 to 1; ``AU1``, ... 1
    from the threshold on, else 0. From ``box_x`` on all are empty where the face was not found.

    Parameters
    ----------
    scores: ``(F, N)`` of every track; thresholds: ``(N,)``.
    """
    nobody = np.ones(len(found.time), dtype=bool)
    for track in found.tracks:
        nobody[track.first : track.first + len(track.time)] = False
    numbers, frames, boxes, confidences, rows = [], [], [], [], []
    for number, (track, of_track) in enumerate(zip(found.tracks, scores, strict=True), start=1):
        there = track.face_found[:, None]
        numbers.append(np.full(len(track.time), number))
        frames.append(track.first + np.arange(len(track.time)))
        boxes.append(np.where(there, track.box.round(2), np.nan))
        confidences.append(np.where(track.face_found, track.confidence, np.nan))
        rows.append(np.where(there, of_track, np.float32(np.nan)))
    empty = int(nobody.sum())
    frame = np.concatenate([*frames, np.flatnonzero(nobody)])
    order = np.argsort(frame, kind="stable")
    score = np.concatenate([*rows, np.full((empty, len(au_set.aus)), np.nan, np.float32)])[order]
    box = np.concatenate([*boxes, np.full((empty, 4), np.nan)])[order]
    unknown = np.isnan(score)
    columns = {
        "video": pd.array([video] * len(frame), dtype="str"),
        "track": _with_gaps(np.concatenate([*numbers, np.zeros(empty)])[order], "Int64", gap=0),
        "frame": frame[order],
        "time_seconds": found.time[frame[order]].round(4),
        **{name: box[:, i] for i, name in enumerate(BOX)},
        "confidence": np.concatenate([*confidences, np.full(empty, np.nan)])[order].astype(np.float32),
        **{f"score_{name}": score[:, n] for n, name in enumerate(au_set.columns)},
        **{
            name: _with_gaps(np.where(unknown[:, n], -1, score[:, n] >= thresholds[n]), "Int8", gap=-1)
            for n, name in enumerate(au_set.columns)
        },
    }
    return pd.DataFrame(columns)


def _with_gaps(values: np.ndarray, dtype: str, *, gap: int) -> pd.api.extensions.ExtensionArray:
    """Whole numbers, empty where they are ``gap``."""
    numbers = values.astype(dtype.lower())
    return pd.arrays.IntegerArray(numbers, values == gap)
