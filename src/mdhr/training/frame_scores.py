"""Scores and labels of all frames of a fold: accumulation over batches and processes, and the prediction table.

The prediction table has one row per frame: ``subject``, ``task``, ``frame``, ``score_AU1``, ..., ``label_AU1``, ...
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.errors import DivergedError, InputError
from mdhr.files.atomic import temporary_path


class VideoName(Protocol):
    """Names that identify a video in the prediction table."""

    @property
    def subject(self) -> str:
        """Name of the subject."""

    @property
    def task(self) -> str:
        """Name of the video among those of the subject."""


class ScoredFrames:
    """Scores and labels of F frames, each frame once, ordered by video and frame number. All tensors are on the CPU.

    Not a dataclass, because torchmetrics squeezes the one-element tensors of a dataclass.

    Attributes:
        video: ``(F,)`` int64 position in the list of videos.
        frame: ``(F,)`` int64 frame number.
        scores: ``(F, N)`` float32 in [0, 1].
        labels: ``(F, N)`` int8: 0, 1 or ``MISSING``.
    """

    def __init__(self, *, video: Tensor, frame: Tensor, scores: Tensor, labels: Tensor) -> None:
        self.video = video
        self.frame = frame
        self.scores = scores
        self.labels = labels


class FrameScores(Metric):
    """Collect the scores and labels of all frames of a fold. :meth:`compute` returns :class:`ScoredFrames`.

    The result is the same in all processes and does not depend on their number: padding is dropped, and a frame that
    several processes have scored (samplers pad to equal length) is counted once. Processes may score different numbers
    of frames, or none.

    :meth:`compute` raises ``DivergedError`` if a score is NaN or infinite.
    """

    full_state_update = False
    video: list[Tensor]
    frame: list[Tensor]
    scores: list[Tensor]
    labels: list[Tensor]

    def __init__(self, *, num_aus: int) -> None:
        super().__init__()
        self.num_aus = num_aus
        for state in ("video", "frame", "scores", "labels"):
            self.add_state(state, default=[], dist_reduce_fx="cat")
        self._append_empty()

    def update(self, scores: Tensor, clip: ClipBatch) -> None:
        """Append the scores ``B T N`` and the labels of a batch. Padding stays until :meth:`compute`."""
        self.video.append(clip.video[:, None].expand_as(clip.frame).flatten())
        self.frame.append(clip.frame.flatten())
        self.scores.append(scores.detach().float().flatten(0, 1))
        self.labels.append(clip.au.to(torch.int8).flatten(0, 1))

    def compute(self) -> ScoredFrames:
        """Return the frames of all processes. Collective call."""
        video, frame, scores, labels = (
            dim_zero_cat(state).cpu() for state in (self.video, self.frame, self.scores, self.labels)
        )
        real = frame != MISSING  # padding has no frame number
        video, frame, scores, labels = video[real], frame[real], scores[real], labels[real]
        if not scores.isfinite().all():
            raise DivergedError(
                "the network predicts NaN or infinite scores. Lower module.learning_rate, or check the data."
            )
        keys = torch.stack([video, frame], -1)
        first = torch.from_numpy(np.unique(keys.numpy(), axis=0, return_index=True)[1])
        return ScoredFrames(video=video[first], frame=frame[first], scores=scores[first], labels=labels[first])

    def reset(self) -> None:
        """Remove all frames."""
        super().reset()
        self._append_empty()

    def _append_empty(self) -> None:
        """Append empty tensors: torchmetrics cannot synchronize the empty list of a process without batches."""
        for state in (self.video, self.frame):
            state.append(torch.empty(0, dtype=torch.int64, device=self.device))
        self.scores.append(torch.empty(0, self.num_aus, device=self.device))
        self.labels.append(torch.empty(0, self.num_aus, dtype=torch.int8, device=self.device))


def prediction_table(frames: ScoredFrames, videos: Sequence[VideoName], au_set: ActionUnitSet) -> pd.DataFrame:
    """Return the prediction table. ``frames.video`` is the position in ``videos``."""
    names = [videos[index] for index in frames.video.tolist()]
    keys = pd.DataFrame(
        {
            "subject": [video.subject for video in names],
            "task": [video.task for video in names],
            "frame": frames.frame.numpy(),
        }
    )
    scores = pd.DataFrame(frames.scores.numpy(), columns=[f"score_{au}" for au in au_set.columns])
    labels = pd.DataFrame(frames.labels.numpy(), columns=[f"label_{au}" for au in au_set.columns])
    return pd.concat([keys, scores, labels], axis="columns")


def common_predictions(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a prediction table with the action units ``columns`` only."""
    others = [au for au in action_unit_columns(table) if au not in columns]
    return table.drop(columns=[f"{kind}_{au}" for au in others for kind in ("score", "label")])


def write_predictions(path: Path, table: pd.DataFrame) -> None:
    """Write the prediction table to a parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_path(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_predictions(run: Path) -> pd.DataFrame:
    """Return the prediction table of a run folder. Raises ``InputError`` if it is missing."""
    try:
        return pd.read_parquet(run / "predictions.parquet")
    except FileNotFoundError as error:
        raise InputError(f"{run}: predictions.parquet is missing. Delete the folder and run it again.") from error


def action_unit_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the names of the action units in a prediction table: ``AU1``, ``AU2``, ..."""
    return [str(column).removeprefix("score_") for column in predictions if str(column).startswith("score_")]


def scores_and_labels(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and labels of a prediction table, ``(F, N)`` each."""
    return predictions.filter(regex="^score_").to_numpy(), predictions.filter(regex="^label_").to_numpy()
