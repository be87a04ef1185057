"""Timeline of one labeled test video: frames, ground truth and scores."""

from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.data.datamodule import FaceVideoData
from mdhr.data.provenance import is_rendered
from mdhr.data.video.frame_images import read_frame
from mdhr.inference.timeline import plot_timeline
from mdhr.training.frame_scores import scores_and_labels

VARIED = (0.15, 0.85)
"""Share of active frames between which an action unit counts as varied."""


def plot_labeled_video(
    path: Path, *, data: FaceVideoData, predictions: pd.DataFrame, threshold: float, with_frames: bool
) -> None:
    """Plot the test video that :func:`most_varied_video` selects.

    Args:
        path: PNG file to write.
        predictions: prediction table of the test fold, see ``mdhr.training.frame_scores``.
        threshold: score from which an action unit counts as active.
        with_frames: whether to show frames of the video.
    """
    subject, task = most_varied_video(predictions)
    rows = predictions[(predictions["subject"] == subject) & (predictions["task"] == task)].sort_values("frame")
    scores, labels = scores_and_labels(rows)
    video = next(video for video in data.videos("test") if (video.subject, video.task) == (subject, task))
    kind = ", rendered face" if is_rendered(data.manifest.name) else ""
    plot_timeline(
        path,
        au_set=data.au_set,
        frames=np.stack([read_frame(path, data.manifest.size) for path in video.paths]) if with_frames else None,
        seconds=(video.frame - video.frame[0]) / data.manifest.fps,
        scores=scores,
        truth=labels,
        threshold=threshold,
        title=f"Predictions for an unseen subject (test video {video.name}{kind})",
        note="Blue: active in the ground truth. Orange: predicted active.\n"
        "This is the test video with the most varied action units.",
    )


def most_varied_video(predictions: pd.DataFrame) -> tuple[str, str]:
    """Return subject and task of the video with the most action units that are active in a ``VARIED`` share of frames.

    Only labels are compared, not scores. Ties are resolved by name.
    """
    _, labels = scores_and_labels(predictions)
    rates = pd.DataFrame(labels == 1).groupby([predictions["subject"], predictions["task"]]).mean()
    return rates.apply(lambda rate: rate.between(*VARIED)).sum(axis="columns").idxmax()
