"""The pictures at the end of a demo: one test video, whose truth is known, and one real video, whose is not."""

from pathlib import Path

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.data.datamodule import FaceVideoData
from mdhr.data.provenance import is_rendered
from mdhr.data.video.frame_images import read_frame
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.errors import InputError
from mdhr.inference.model_loading import load_model
from mdhr.inference.output_files import draw_track, write_table
from mdhr.inference.predictor import Predictor
from mdhr.inference.timeline import draw_timeline
from mdhr.inference.video_job import summary

TRAINED_ON = (
    "The network was trained on rendered faces only, never on a real one: take this as a look, not a measurement."
)
VARIED = (0.15, 0.85)
"""An action unit that is active in this share of its frames makes a video worth looking at."""


def plot_test_video(cfg: DictConfig, run: Path) -> None:
    """Frames, truth and scores of one test video of a run."""
    plot_labeled_video(
        run / "timeline.png",
        data=instantiate(cfg.data.module, _convert_="all"),
        predictions=pd.read_parquet(run / "predictions.parquet"),
        threshold=cfg.module.threshold,
        faces=True,
    )


def plot_labeled_video(
    path: Path, *, data: FaceVideoData, predictions: pd.DataFrame, threshold: float, faces: bool
) -> None:
    """Truth and scores of the test video in which the most action units come and go; with ``faces`` its frames too.

    Parameters
    ----------
    predictions: a prediction table of the test fold, see ``mdhr.training.frame_scores``.
    """
    subject, task = most_varied_video(predictions)
    rows = predictions[(predictions["subject"] == subject) & (predictions["task"] == task)].sort_values("frame")
    scores, labels = scores_and_labels(rows)
    video = next(video for video in data.videos("test") if (video.subject, video.task) == (subject, task))
    kind = ", a rendered face" if is_rendered(data.manifest.name) else ""
    draw_timeline(
        path,
        au_set=data.au_set,
        frames=np.stack([read_frame(path, data.manifest.size) for path in video.paths]) if faces else None,
        seconds=(video.frame - video.frame[0]) / data.manifest.fps,
        scores=scores,
        truth=labels,
        threshold=threshold,
        title=f"What the network says of somebody it never saw (test video {video.name}{kind})",
        note="Blue: the action unit was really active. Orange: the network says so. "
        "Where a blue band stands on an orange bar of the same length, it is right.\n"
        "Shown is the test video in which the most action units come and go.",
    )


def score_real_video(cfg: DictConfig, run: Path, video: str | None) -> str:
    """Score and draw a video file, by default the sample clip; what to tell the user of it."""
    try:
        path = Path(video) if video else fetch_sample_video(Path(cfg.data.root).parent / "sample_video")
    except InputError as error:  # offline, and nobody asked for a video
        return f"no real video was scored: {error}"
    predictor = Predictor(load_model(run), batch_size=cfg.data.batch_size)
    prediction = predictor.predict(path)
    write_table(run / "video_scores.csv", prediction.table)
    longest = max(range(len(prediction.scores)), key=lambda track: len(prediction.scores[track]), default=None)
    draw_track(run / "video_timeline.png", predictor, prediction, longest)
    return (
        f"real video {path.name}: {summary(prediction)}; look at {run / 'video_timeline.png'}; "
        f"every score: {run / 'video_scores.csv'}\n{TRAINED_ON}"
    )


def most_varied_video(predictions: pd.DataFrame) -> tuple[str, str]:
    """Subject and task of the video with the most action units that are active in a ``VARIED`` share of its frames.

    Of several the first by name; what the network made of them plays no part.
    """
    _, labels = scores_and_labels(predictions)
    rates = pd.DataFrame(labels == 1).groupby([predictions["subject"], predictions["task"]]).mean()
    return rates.apply(lambda rate: rate.between(*VARIED)).sum(axis="columns").idxmax()


def scores_and_labels(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """``F N`` each, of the rows of a prediction table."""
    return predictions.filter(regex="^score_").to_numpy(), predictions.filter(regex="^label_").to_numpy()
