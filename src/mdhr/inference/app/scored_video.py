"""Scored video of the page: scores, face tracks and thumbnails in memory.

Changing frame, track or threshold needs neither the network nor the video file.
"""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg

from mdhr.action_units import ActionUnitSet
from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.video.decoding import expected_frames
from mdhr.data.video.frame_source import FrameSource, open_source
from mdhr.errors import InputError
from mdhr.inference.app.background import ShareProgress, VideoProgress
from mdhr.inference.output_files import NO_FACE
from mdhr.inference.predictor import Predictor
from mdhr.inference.score_table import make_score_table
from mdhr.inference.video_job import summarize_prediction

MAX_THUMBNAILS = 2000
"""Thumbnails per video, about 25 MB; in a longer video every second, third, ... frame has one."""
THUMBNAIL_SIZE, CROP_SCALE = 288, 1.35
"""Size in pixels, and size of the shown region relative to the crop of the network."""


@dataclass(frozen=True)
class ScoredVideo:
    """Scores, face tracks and thumbnails of a video; tracks are counted from 0."""

    name: str
    """File name."""
    au_set: ActionUnitSet
    threshold: float
    """Threshold of the model."""
    summary: str
    """Numbers of frames, of frames with a face, and of tracks."""
    faces: FaceTracks
    scores: list[np.ndarray]
    """``(F, N)`` per track."""
    thumbnails: list[list[bytes]]
    """JPEG files per track, of every ``step``-th frame."""
    step: int

    def detected_scores(self, track: int) -> np.ndarray:
        """Return the scores ``(F, N)`` of a track, NaN in frames without a detected face."""
        return np.where(self.faces.tracks[track].face_found[:, None], self.scores[track], np.nan)

    def seconds(self, track: int) -> np.ndarray:
        """Return the times ``(F,)`` of a track in seconds since the first frame of the video."""
        return self.faces.tracks[track].time

    def thumbnail(self, track: int, position: int) -> bytes:
        """Return the JPEG file at a position of a track, or the last one before it."""
        return self.thumbnails[track][position // self.step]

    def table(self, threshold: float) -> pd.DataFrame:
        """Return the score table of ``mdhr predict`` with one threshold for all action units."""
        thresholds = np.full(len(self.au_set.aus), threshold)
        return make_score_table(self.name, self.faces, self.scores, au_set=self.au_set, thresholds=thresholds)


def score_video(predictor: Predictor, video: Path, progress: ShareProgress = lambda share, text: None) -> ScoredVideo:
    """Score a video.

    Raises ``InputError`` if the video cannot be read or no face is found.
    """
    expected = max(expected_frames(video), 1)
    prediction = predictor.predict(video, progress=VideoProgress(expected, progress))
    if not prediction.faces.tracks:
        raise InputError(f"{video.name}: {NO_FACE}")
    thumbnails, step = face_thumbnails(open_source(video), prediction.faces)
    return ScoredVideo(
        name=video.name,
        au_set=predictor.model.au_set,
        threshold=predictor.model.description.threshold,
        summary=summarize_prediction(prediction),
        faces=prediction.faces,
        scores=prediction.scores,
        thumbnails=thumbnails,
        step=step,
    )


def face_thumbnails(
    source: FrameSource, faces: FaceTracks, *, limit: int = MAX_THUMBNAILS
) -> tuple[list[list[bytes]], int]:
    """Return the thumbnails of each track as JPEG files, and the distance of their frames.

    The total exceeds ``limit`` by at most one thumbnail per track.
    """
    step = max(1, ceil(sum(len(track.time) for track in faces.tracks) / limit))
    thumbnails: list[list[bytes]] = [[] for _ in faces.tracks]
    for frame, (_, image) in enumerate(source.frames()):
        for track, track_thumbnails in zip(faces.tracks, thumbnails, strict=True):
            position = frame - track.first
            if 0 <= position < len(track.time) and position % step == 0:
                box = track.crop[position] * (1, 1, CROP_SCALE, 1)
                face = np.ascontiguousarray(crop_face(image, box, THUMBNAIL_SIZE))
                track_thumbnails.append(simplejpeg.encode_jpeg(face, quality=82, colorspace="RGB"))
    return thumbnails, step
