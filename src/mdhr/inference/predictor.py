"""From a video to a table: which action units everybody in it shows in every frame.

A video is read twice: first faces are looked for and followed, then they are cut out and scored, while the next clips
are already being cut. Memory does not grow with the video, but for a few numbers a frame.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.faces.detection import Detector, FaceDetector
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.video.frame_source import open_source
from mdhr.data.video.prefetch import prefetch
from mdhr.errors import InputError
from mdhr.inference.model import Model
from mdhr.inference.score_table import score_table
from mdhr.inference.video_clips import FrameScores, Progress, VideoClips


@dataclass(frozen=True)
class Prediction:
    """What a model says of a video."""

    table: pd.DataFrame
    """One row a frame and track, see :func:`mdhr.inference.score_table.score_table`."""
    found: FaceTracks
    """Whose faces they are."""
    scores: list[np.ndarray]
    """``(F, N)`` float32 of every track, also where no face was found and its neighbor in time stands in."""
    pictures: list[np.ndarray]
    """``(up to 9, S, S, 3)`` uint8 RGB of every track: crops, evenly spaced."""


class Predictor:
    """Scores the frames of videos.

    Parameters
    ----------
    model: what :func:`mdhr.inference.model_loading.load_model` gives.
    detector: finds faces; by default :class:`mdhr.data.faces.detection.FaceDetector`.
    overlap: frames, 0 to T - 1, that neighboring clips share; the scores of a frame are averaged. Smoother at the
        edges of clips, and T / (T - overlap) times the work.
    thresholds: smallest score that counts as active: one number, or some by name (``{"AU12": 0.4}``); the model's own
        where nothing is said.
    batch_size: clips that the network sees at once.

    Raises ``InputError`` for a wrong value.
    """

    def __init__(
        self,
        model: Model,
        *,
        detector: Detector | None = None,
        overlap: int = 0,
        thresholds: float | Mapping[str, float] | None = None,
        batch_size: int = 8,
    ) -> None:
        self.model = model
        self.detector = detector or FaceDetector()
        self.thresholds = choose_thresholds(model.au_set, thresholds, default=model.description.threshold)
        self.overlap = overlap
        self.batch_size = batch_size
        if not 0 <= overlap < model.description.num_frames:
            raise InputError(f"overlap is {overlap}: it must be from 0 to {model.description.num_frames - 1}")
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: it must be 1 or more")

    def __call__(
        self, video: str | Path, *, fps: float | None = None, progress: Progress = lambda stage, frames: None
    ) -> pd.DataFrame:
        """The table of a video file or a folder of images; see :meth:`predict`."""
        return self.predict(video, fps=fps, progress=progress).table

    def predict(
        self, video: str | Path, *, fps: float | None = None, progress: Progress = lambda stage, frames: None
    ) -> Prediction:
        """Find, follow and score every face of a video file or a folder of images.

        Parameters
        ----------
        fps: of a video, frames a second to look at; of images, how many are a second (25 if it is not said).
        progress: is told how far it has come.

        Raises ``InputError`` that names the video if it cannot be read to its end. One without a face is none: its rows
        have no scores.
        """
        clips = VideoClips(
            open_source(video, fps=fps),
            detector=self.detector,
            description=self.model.description,
            overlap=self.overlap,
            batch_size=self.batch_size,
            progress=progress,
        )
        scores = FrameScores(clips.found, len(self.thresholds))
        with closing(prefetch(clips.batches(), depth=2)) as ready:
            for batch in ready:
                scores.add(batch.places, self.model.score(batch.clips))
                progress("scores", batch.num_read)
        progress("scores", len(clips.found.time))
        return self.put_together(video, clips.found, scores, clips.pictures())

    def put_together(
        self, video: str | Path, found: FaceTracks, scores: FrameScores, pictures: list[np.ndarray]
    ) -> Prediction:
        """What comes out of a video when all its clips are scored."""
        means = scores.means()
        table = score_table(str(video), found, means, au_set=self.model.au_set, thresholds=self.thresholds)
        return Prediction(table, found, means, pictures)


def choose_thresholds(
    au_set: ActionUnitSet, given: float | Mapping[str, float] | None, *, default: float
) -> np.ndarray:
    """``(N,)`` thresholds; raises ``InputError`` for an unknown action unit or a value that is not from 0 to 1."""
    named = given if isinstance(given, Mapping) else dict.fromkeys(au_set.columns, default if given is None else given)
    if unknown := [name for name in named if name not in au_set.columns]:
        raise InputError(f"the model has no action unit {unknown[0]}: it has {', '.join(au_set.columns)}")
    for name, value in named.items():
        if not 0 <= value <= 1:
            raise InputError(f"the threshold of {name} is {value}: it must be from 0 to 1")
    return np.array([named.get(name, default) for name in au_set.columns])
