"""Render a whole data set of acted faces into the prepared form of ``mdhr.data.prepared.manifest``.

A run that was stopped in any way goes on where it was: videos are there whole or not at all, and the settings are
written first, so that a folder is never finished with others than it was begun with. The same settings give the same
bytes.
"""

from contextlib import closing
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mdhr.action_units import ActionUnitSet
from mdhr.data.prepared.manifest import CONTENT, DESCRIPTION, KEY, write_manifest
from mdhr.data.video.frame_images import frame_name
from mdhr.errors import InputError
from mdhr.files.folders import claim_folder
from mdhr.files.worker_pool import frame_progress, run_all
from mdhr.synthetic.acting import Actor
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.performance import Performance
from mdhr.synthetic.recording import is_recorded, record

SETTINGS = "rendering.yaml"
VERSION = 3
"""Raise it when the same settings begin to give other frames or labels."""

FIRST_PRETRAINING_IDENTITY = 1_000_000
"""Identities with a lower seed belong to data sets; backbones are pretrained on the others and never meet them."""

NUM_FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One video to render: who performs which task."""

    subject: str
    task: str
    identity_seed: int
    performance_seed: tuple[int, ...]

    @property
    def folder(self) -> str:
        """Where its frames are, relative to the root of the data set: ``frames/S01/T1``."""
        return f"frames/{self.subject}/{self.task}"


@dataclass(frozen=True, kw_only=True)
class SyntheticFaces:
    """A data set of rendered faces.

    Attributes:
        root: folder to write to.
        name: what the data set calls itself.
        au_set: labeled action units; their label statistics are those of the real data set of that name.
        size: pixels of the square frames.
        zoom: above 1 crops tighter.
        num_subjects: people, each with a face of their own.
        num_tasks: videos of each of them.
        num_frames: frames of each video.
        stride: of the simulated process every that many frames are kept, so short videos still hold many events;
            the frame rate falls accordingly (25 fps and stride 3: 8.3 fps).
        seed: another seed, other people doing other things.
        quality: of the JPEG frames.
        num_workers: processes; None means one a core.
    """

    root: str | Path
    name: str
    au_set: ActionUnitSet
    size: int
    zoom: float
    num_subjects: int
    num_tasks: int
    num_frames: int
    stride: int
    seed: int
    quality: int
    num_workers: int | None = None

    def __post_init__(self) -> None:
        least = {"size": 32, "num_subjects": NUM_FOLDS, "num_tasks": 1, "num_frames": 1, "stride": 1, "seed": 0}
        most = {"quality": 100}
        for key in (*least, *most):
            value, low, high = getattr(self, key), least.get(key, 1), most.get(key, np.inf)
            if not isinstance(value, int) or not low <= value <= high:
                limit = f"from {low} to {high}" if key in most else f"of at least {low}"
                raise InputError(f"data.prepare.{key} is {value}: it must be a whole number {limit}")

    def run(self) -> None:
        """Render what is missing, then write the manifest; shows progress.

        Raises ``InputError`` where ``root`` holds another data set or cannot be written to.
        """
        root = Path(self.root)
        claim_folder(
            root,
            self.settings,
            settings_file=SETTINGS,
            content=CONTENT,
            created_by="rendered",
            setting="data.root",
        )
        missing = sum(not self.is_rendered(assignment) for assignment in self.assignments)
        if not missing and (root / DESCRIPTION).is_file():
            return
        total = len(self.assignments) * self.num_frames
        done = total - missing * self.num_frames
        tables = []
        progress = frame_progress(f"rendering {root}", total=total, done=done)
        videos = run_all(render, self, self.assignments, num_workers=self.num_workers)
        with progress, closing(videos):
            for num_rendered, table in videos:
                tables.append(table)
                progress.update(num_rendered)
        write_manifest(
            root,
            pd.concat(tables).sort_values(KEY, ignore_index=True),
            name=self.name,
            au_set=self.au_set,
            fps=self.actor.fps / self.stride,
            size=self.size,
            folds=self.folds,
            settings=self.settings,
        )

    def plan(self) -> str:
        """What :meth:`run` would do."""
        missing = sum(not self.is_rendered(assignment) for assignment in self.assignments)
        return (
            f"would render {missing * self.num_frames} frames of {self.size} px, {missing} of "
            f"{len(self.assignments)} videos, to {self.root}; the others are there"
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that decides what frames and labels are; where and how fast they are made is not part of it."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        del chosen["root"], chosen["num_workers"]
        return {"version": VERSION, **chosen, "au_set": self.au_set.name}

    @cached_property
    def subjects(self) -> list[str]:
        """``S01``, ``S02``, ..."""
        return [f"S{number:02d}" for number in range(1, self.num_subjects + 1)]

    @cached_property
    def assignments(self) -> list[Assignment]:
        """All videos, subject by subject."""
        seeds = np.random.default_rng([self.seed, 0]).choice(
            FIRST_PRETRAINING_IDENTITY, size=self.num_subjects, replace=False
        )
        return [
            Assignment(
                subject=subject,
                task=f"T{task}",
                identity_seed=int(seeds[s]),
                performance_seed=(self.seed, 2, s, task),
            )
            for s, subject in enumerate(self.subjects)
            for task in range(1, self.num_tasks + 1)
        ]

    @property
    def folds(self) -> dict[int, list[str]]:
        """Test subjects of every fold, dealt in turn from the shuffled subjects."""
        shuffled = np.random.default_rng([self.seed, 1]).permutation(self.subjects).tolist()
        return {fold: sorted(shuffled[fold - 1 :: NUM_FOLDS]) for fold in range(1, NUM_FOLDS + 1)}

    @property
    def actor(self) -> Actor:
        """Performs with this set's label statistics."""
        return _actor(self.au_set)

    def performance(self, assignment: Assignment) -> Performance:
        """What happens in a video, to a face that rests as this person's does."""
        rng = np.random.default_rng(assignment.performance_seed)
        performance = self.actor.perform(rng=rng, num_frames=self.num_frames, stride=self.stride)
        return replace(performance, resting=self.actor.resting(assignment.identity_seed))

    def table(self, assignment: Assignment, performance: Performance) -> pd.DataFrame:
        """Rows of a video for the manifest; besides, the intensity of every unit (mean of both sides)."""
        labels = pd.DataFrame(self.actor.labels(performance), columns=list(self.au_set.columns))
        intensity = pd.DataFrame(performance.intensity.mean(-1), columns=[f"intensity_AU{au}" for au in AUS])
        frames = range(self.num_frames)
        return pd.DataFrame({"frame": frames, "path": [f"{assignment.folder}/{frame_name(f)}" for f in frames]}).assign(
            subject=assignment.subject,
            task=assignment.task,
            face_found=True,
            crop_x=0.0,
            crop_y=0.0,
            crop_size=float(self.size),
            crop_roll=0.0,
            **labels,
            **intensity,
        )

    def is_rendered(self, assignment: Assignment) -> bool:
        """Whether a video is there."""
        return is_recorded(Path(self.root) / assignment.folder, num_frames=self.num_frames)


def render(faces: SyntheticFaces, assignment: Assignment) -> tuple[int, pd.DataFrame]:
    """Render a video unless it is there: how many frames that were, and the video's rows of the manifest."""
    performance = faces.performance(assignment)
    table = faces.table(assignment, performance)
    if faces.is_rendered(assignment):
        return 0, table
    record(
        Path(faces.root) / assignment.folder,
        performance=performance,
        identity_seed=assignment.identity_seed,
        size=faces.size,
        zoom=faces.zoom,
        quality=faces.quality,
    )
    return faces.num_frames, table


_actor = lru_cache(maxsize=2)(Actor)
