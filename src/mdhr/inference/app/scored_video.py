"""Scored video of the page: scores, face tracks and thumbnails in memory.

Changing frame, track or threshold needs neither the network nor the video file.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg

from mdhr.action_units import ActionUnitSet
from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.face_stream import TrackedFrame
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.video.decoding import expected_frames
from mdhr.errors import InputError
from mdhr.inference.app.background import ShareProgress, VideoProgress
from mdhr.inference.even_sample import EvenSample
from mdhr.inference.output_files import NO_FACE
from mdhr.inference.predictor import Predictor
from mdhr.inference.score_table import make_score_table
from mdhr.inference.video_job import summarize_prediction

MAX_THUMBNAILS = 2000
"""Thumbnails per track, about 25 MB; in a longer track every second, fourth, ... frame has one."""
THUMBNAIL_SIZE, CROP_SCALE = 288, 1.35
"""Size in pixels, and size of the shown region relative to the crop of the network."""


@dataclass(frozen=True)
class ScoredVideo:
    """Scores, face tracks and thumbnails of a video; tracks are counted from 0."""

    name: str
    """File name."""
    au_set: ActionUnitSet
    model_thresholds: np.ndarray
    """``(N,)`` thresholds of the model."""
    summary: str
    """Numbers of frames, of frames with a face, and of tracks."""
    faces: FaceTracks
    scores: list[np.ndarray]
    """``(F, N)`` per track."""
    thumbnails: list[EvenSample[bytes]]
    """JPEG files per track."""

    def detected_scores(self, track: int) -> np.ndarray:
        """Return the scores ``(F, N)`` of a track, NaN in frames without a detected face."""
        return np.where(self.faces.tracks[track].face_found[:, None], self.scores[track], np.nan)

    def seconds(self, track: int) -> np.ndarray:
        """Return the times ``(F,)`` of a track in seconds since the first frame of the video."""
        return self.faces.tracks[track].time

    def thumbnail(self, track: int, position: int) -> bytes:
        """Return the JPEG file at a position of a track, or the last one before it."""
        return self.thumbnails[track].at(position)

    @property
    def threshold(self) -> float:
        """Initial value of the page's setting: the mean of the model's thresholds to two decimals."""
        return round(float(self.model_thresholds.mean()), 2)

    def thresholds(self, threshold: float) -> np.ndarray:
        """Return the thresholds ``(N,)`` for a value of the page's setting, which moves all of the model's equally."""
        return (self.model_thresholds + (threshold - self.threshold)).clip(0, 1).round(4)

    def table(self, threshold: float) -> pd.DataFrame:
        """Return the score table of ``mdhr predict`` for a value of the page's setting."""
        thresholds = self.thresholds(threshold)
        return make_score_table(self.name, self.faces, self.scores, au_set=self.au_set, thresholds=thresholds)


def score_video(predictor: Predictor, video: Path, progress: ShareProgress = lambda share, text: None) -> ScoredVideo:
    """Score a video.

    Raises ``InputError`` if the video cannot be read or no face is found.
    """
    expected = max(expected_frames(video), 1)
    thumbnails = FaceThumbnails()
    prediction = predictor.predict(video, progress=VideoProgress(expected, progress), observer=thumbnails.add)
    faces = prediction.faces
    if not faces.tracks:
        raise InputError(f"{video.name}: {NO_FACE}")
    return ScoredVideo(
        name=video.name,
        au_set=predictor.model.au_set,
        model_thresholds=predictor.thresholds,
        summary=summarize_prediction(prediction),
        faces=faces,
        scores=prediction.scores,
        thumbnails=[thumbnails.of_track(number) for number in faces.numbers],
    )


class FaceThumbnails:
    """Thumbnails of the faces of a video, collected while it is scored.

    Args:
        limit: maximum number of thumbnails per track.
    """

    def __init__(self, limit: int = MAX_THUMBNAILS) -> None:
        self._lengths: Counter[int] = Counter()
        self._samples: dict[int, EvenSample[bytes]] = defaultdict(partial(EvenSample, limit))

    def add(self, frame: TrackedFrame) -> None:
        """Add the faces of the next frame."""
        wanted = {
            track: box for track, box in frame.crop_boxes.items() if self._samples[track].wants(self._lengths[track])
        }
        if wanted:
            image = frame.frame.rgb()
        for track, box in wanted.items():
            face = crop_face(image, box * (1, 1, CROP_SCALE, 1), THUMBNAIL_SIZE)
            jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(face), quality=82, colorspace="RGB")
            self._samples[track].add(self._lengths[track], jpeg)
        self._lengths.update(frame.crop_boxes.keys())

    def of_track(self, number: int) -> EvenSample[bytes]:
        """Return the JPEG files of a track; see :attr:`~mdhr.data.faces.face_track.FaceTracks.numbers`."""
        return self._samples[number]
