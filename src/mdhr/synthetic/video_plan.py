"""Subjects, videos, and folds of a rendered data set, as functions of its settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

FIRST_PRETRAINING_IDENTITY = 1_000_000
"""First identity seed for pretraining. Data sets use lower seeds, so their subjects are unseen in pretraining."""

NUM_FOLDS = 3

HeadNames = Sequence[Literal["anny", "ict"]]
DEFAULT_HEADS: HeadNames = ("anny",)


@dataclass(frozen=True, kw_only=True)
class VideoSpec:
    """Specification of one video."""

    subject: str
    task: str
    identity_seed: int
    animation_seed: tuple[int, ...]
    head: str

    @property
    def folder(self) -> str:
        """Folder of the frames relative to the root of the data set, such as ``frames/S01/T1``."""
        return f"frames/{self.subject}/{self.task}"


def subject_names(num_subjects: int, heads: HeadNames) -> list[str]:
    """Return ``S01``, ``S02``, ... Several heads alternate and are named: ``S01-anny``, ``S02-ict``, ``S03-anny``, ..."""
    names = [f"S{number:02d}" for number in range(1, num_subjects + 1)]
    return names if len(heads) == 1 else [f"{name}-{head_of(s, heads)}" for s, name in enumerate(names)]


def head_of(s: int, heads: HeadNames) -> str:
    """Return the name of the head model of subject ``s``, counted from 0."""
    return heads[s % len(heads)]


def plan_videos(subjects: Sequence[str], heads: HeadNames, *, num_tasks: int, seed: int) -> list[VideoSpec]:
    """Return all videos in the order of their subjects."""
    seeds = np.random.default_rng([seed, 0]).choice(FIRST_PRETRAINING_IDENTITY, size=len(subjects), replace=False)
    return [
        VideoSpec(
            subject=subject,
            task=f"T{task}",
            identity_seed=int(seeds[s]),
            animation_seed=(seed, 2, s, task),
            head=head_of(s, heads),
        )
        for s, subject in enumerate(subjects)
        for task in range(1, num_tasks + 1)
    ]


def plan_folds(subjects: Sequence[str], heads: HeadNames, *, seed: int) -> dict[int, list[str]]:
    """Return the test subjects of each fold, assigned in turn from the shuffled subjects of each head."""
    shuffled = np.random.default_rng([seed, 1]).permutation(len(subjects)).tolist()
    shuffled.sort(key=lambda s: s % len(heads))
    return {fold: sorted(subjects[s] for s in shuffled[fold - 1 :: NUM_FOLDS]) for fold in range(1, NUM_FOLDS + 1)}
