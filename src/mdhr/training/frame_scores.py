"""The scores of a fold: collected batch by batch, gathered over processes, written as one table.

The table has one row a frame: ``subject``, ``task``, ``frame``, then ``score_AU1``, ..., ``label_AU1``, ...
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, distributed

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.errors import DivergedError
from mdhr.files.atomic import temporary_path

Part = TypeVar("Part")


class NamedVideo(Protocol):
    """What a prediction table needs to know of a video."""

    @property
    def subject(self) -> str:
        """Who is seen."""

    @property
    def task(self) -> str:
        """Which of the subject's videos it is."""


@dataclass(frozen=True)
class Predictions:
    """Every frame of a fold once, ordered by video and frame."""

    video: Tensor
    """``(F,)`` int64 position in the list of videos."""
    frame: Tensor
    """``(F,)`` int64 frame number."""
    scores: Tensor
    """``(F, N)`` float32 in [0, 1]."""
    labels: Tensor
    """``(F, N)`` int8: 0, 1 or -1."""


class PredictionCollector:
    """Takes the batches of one process; :meth:`gather` unites those of all.

    Padding is dropped and a frame that two processes have seen (samplers pad to equal length) is kept once, so
    what is counted later does not depend on the number of processes.
    """

    def __init__(self, *, num_aus: int) -> None:
        self.num_aus = num_aus
        self._keys: list[Tensor] = []
        self._scores: list[Tensor] = []
        self._labels: list[Tensor] = []

    def add(self, scores: Tensor, clip: ClipBatch) -> None:
        """Keep the scores ``B T N`` of a batch with its labels."""
        key = torch.stack([clip.video[:, None].expand_as(clip.frame), clip.frame], -1)
        real = clip.frame != MISSING  # padding has no frame number
        self._keys.append(key[real].cpu())
        self._scores.append(scores[real].detach().float().cpu())
        self._labels.append(clip.au[real].to(torch.int8).cpu())

    def gather(self) -> Predictions:
        """Everything that all processes have seen; a collective call. Raises ``DivergedError`` on NaN scores."""
        part = (
            torch.cat([torch.empty(0, 2, dtype=torch.int64), *self._keys]),
            torch.cat([torch.empty(0, self.num_aus), *self._scores]),
            torch.cat([torch.empty(0, self.num_aus, dtype=torch.int8), *self._labels]),
        )
        keys, scores, labels = (torch.cat(parts) for parts in zip(*_from_all_processes(part), strict=True))
        if not scores.isfinite().all():
            raise DivergedError("the network's scores are not finite: lower module.learning_rate, or look at the data")
        once = torch.from_numpy(np.unique(keys.numpy(), axis=0, return_index=True)[1])
        return Predictions(video=keys[once, 0], frame=keys[once, 1], scores=scores[once], labels=labels[once])


def _from_all_processes(part: Part) -> list[Part]:
    """``part`` of every process; sizes may differ, which tensor collectives do not allow."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return [part]
    parts: list[Part] = [part] * distributed.get_world_size()
    distributed.all_gather_object(parts, part)
    return parts


def prediction_table(predictions: Predictions, videos: Sequence[NamedVideo], au_set: ActionUnitSet) -> pd.DataFrame:
    """One row a frame, see the top of this file."""
    seen = [videos[index] for index in predictions.video.tolist()]
    names = pd.DataFrame(
        {
            "subject": [video.subject for video in seen],
            "task": [video.task for video in seen],
            "frame": predictions.frame.numpy(),
        }
    )
    scores = pd.DataFrame(predictions.scores.numpy(), columns=[f"score_{au}" for au in au_set.columns])
    labels = pd.DataFrame(predictions.labels.numpy(), columns=[f"label_{au}" for au in au_set.columns])
    return pd.concat([names, scores, labels], axis="columns")


def write_predictions(path: Path, table: pd.DataFrame) -> None:
    """Write the table as parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_path(path) as temporary:
        table.to_parquet(temporary, index=False)
