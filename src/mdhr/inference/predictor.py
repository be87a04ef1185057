"""Prediction of action units in a video: one score per frame, face and action unit.

A video is decoded once: faces are tracked, cropped and scored in a stream. Clips are prefetched while the network
computes. Memory grows with the video by a few numbers per frame only.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.faces.detection import Detector, FaceDetector
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.video.frame_source import open_images, open_source
from mdhr.data.video.prefetch import prefetch
from mdhr.errors import InputError
from mdhr.inference.model import Model
from mdhr.inference.score_averaging import ClipScores
from mdhr.inference.score_table import make_score_table
from mdhr.inference.video_clips import FrameObserver, FrameProgress, VideoClips


@dataclass(frozen=True)
class Prediction:
    """Scores of a video."""

    table: pd.DataFrame
    """Score table; see :func:`mdhr.inference.score_table.make_score_table`."""
    faces: FaceTracks
    """Face tracks of the video."""
    scores: list[np.ndarray]
    """``(F, N)`` float32 per track. A frame without a detected face has the scores of its interpolated crop."""
    thumbnails: list[np.ndarray]
    """``(9, S, S, 3)`` uint8 RGB per track: evenly spaced crops."""
    notes: Sequence[str] = ()
    """Phrases about what was assumed or skipped in the video."""


class Predictor:
    """Predictor of action units in videos.

    Args:
        model: trained model; see :func:`mdhr.inference.model_loading.load_model`.
        detector: face detector, by default :class:`mdhr.data.faces.detection.FaceDetector`.
        overlap: frames, 0 to T - 1, shared by neighboring clips, whose scores are averaged. Reduces jumps between clips
            and multiplies the computation by T / (T - overlap). None is half a clip.
        thresholds: smallest score that counts as active, in [0, 1]: one number, or numbers by column (``{"AU12": 0.4}``).
            The default is the threshold of the model, or its thresholds if they were chosen on the validation split.
        batch_size: clips per forward pass.

    Raises ``InputError`` if a value is out of range.
    """

    def __init__(
        self,
        model: Model,
        *,
        detector: Detector | None = None,
        overlap: int | None = None,
        thresholds: float | Mapping[str, float] | None = None,
        batch_size: int = 8,
    ) -> None:
        self.model = model
        self.detector = detector or FaceDetector()
        self.thresholds = resolve_thresholds(
            model.au_set, thresholds, default=model.description.default_thresholds(model.au_set)
        )
        num_frames = model.description.num_frames
        self.overlap = overlap = num_frames // 2 if overlap is None else overlap
        self.batch_size = batch_size
        if not 0 <= overlap < num_frames:
            raise InputError(
                f"overlap={overlap} is out of range: expected 0 to {num_frames - 1} (clips have {num_frames} frames)."
            )
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size} is out of range: expected at least 1.")

    def __call__(
        self, video: str | Path, *, fps: float | None = None, progress: FrameProgress = lambda frames: None
    ) -> pd.DataFrame:
        """Return the score table of a video file or a folder of images; see :meth:`predict`."""
        return self.predict(video, fps=fps, progress=progress).table

    def predict(
        self,
        video: str | Path,
        *,
        fps: float | None = None,
        progress: FrameProgress = lambda frames: None,
        observer: FrameObserver = lambda frame: None,
    ) -> Prediction:
        """Detect, track and score all faces of a video file or a folder of images.

        A video without a detected face is not an error; its table has empty scores.

        Args:
            fps: frames per second to score (default: all) of a video file; frame rate (default 25) of a folder of images.
            progress: called after every scored batch and every frame without a face.
            observer: called with every frame and the crop boxes of its tracks.

        Raises ``InputError`` that names the video if it cannot be read to its end.
        """
        source = open_source(video, fps=fps)
        clips = VideoClips(
            source,
            detector=self.detector,
            description=self.model.description,
            overlap=self.overlap,
            batch_size=self.batch_size,
            progress=progress,
            observer=observer,
        )
        scores = ClipScores(len(self.thresholds))
        with closing(prefetch(clips.batches(), depth=2)) as batches:
            for batch in batches:
                scores.add(batch.frames, self.model.score(batch.clips))
                progress(batch.num_read)
        faces = clips.faces()
        return self.assemble(video, faces, scores, clips.thumbnails(faces), source.notes)

    def assemble(
        self,
        video: str | Path,
        faces: FaceTracks,
        scores: ClipScores,
        thumbnails: list[np.ndarray],
        notes: Sequence[str],
    ) -> Prediction:
        """Return the prediction from the collected scores of a video."""
        means = scores.frame_means(faces)
        images = open_images(video)
        table = make_score_table(
            str(video),
            faces,
            means,
            au_set=self.model.au_set,
            thresholds=self.thresholds,
            images=images.names if images else None,
        )
        return Prediction(table, faces, means, thumbnails, notes)


def resolve_thresholds(
    au_set: ActionUnitSet, thresholds: float | Mapping[str, float] | None, *, default: Mapping[str, float]
) -> np.ndarray:
    """Return one threshold per action unit, ``(N,)``.

    Raises ``InputError`` if an action unit is not in the set or a threshold is not in [0, 1].
    """
    if not isinstance(thresholds, Mapping):
        thresholds = default if thresholds is None else dict.fromkeys(au_set.columns, thresholds)
    if unknown := [name for name in thresholds if name not in au_set.columns]:
        raise InputError(
            f"threshold of {unknown[0]}: the model does not predict this action unit, "
            f"expected one of {', '.join(au_set.columns)}."
        )
    for name, value in thresholds.items():
        if not 0 <= value <= 1:
            raise InputError(f"threshold of {name}: {value} is out of range, expected 0 to 1.")
    return np.array([thresholds.get(name, default[name]) for name in au_set.columns])
