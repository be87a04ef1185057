"""Generator of a synthetic data set in the prepared format of :mod:`mdhr.data.prepared.manifest`.

Rendering is resumable: a video is either complete or absent, and the settings are stored first, so that a folder never
mixes two sets of settings. The same settings give the same bytes.
"""

from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from mdhr.action_units import ActionUnitSet
from mdhr.config.argument_check import check_arguments
from mdhr.config.ranges import FrameSize, JpegQuality, Name, NumProcesses, Seed
from mdhr.data.prepared.manifest import CONTENT, DESCRIPTION, KEY, write_manifest
from mdhr.data.provenance import check_rendered_name
from mdhr.data.video.frame_images import frame_name
from mdhr.errors import InputError
from mdhr.files.folder_lock import locked_folder
from mdhr.files.folders import claim_folder
from mdhr.files.worker_pool import frame_progress, run_all
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.clip_simulator import ClipSimulator, check_rendered
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.general_acting import GeneralClipSimulator
from mdhr.synthetic.heads import cached_head
from mdhr.synthetic.scene import Style
from mdhr.synthetic.video_plan import (
    DEFAULT_HEADS,
    NUM_FOLDS,
    HeadNames,
    VideoSpec,
    plan_folds,
    plan_videos,
    subject_names,
)
from mdhr.synthetic.video_rendering import is_rendered, render_video

SETTINGS = "rendering.yaml"
VERSION = 3
"""Increase when the same settings produce other frames or labels."""

DEFAULTS = {"style": "bench", "heads": DEFAULT_HEADS}
"""Settings that are recorded only if they differ, so that folders without them stay valid."""
GENERAL_VERSION = 2
"""Increase when the same settings produce other frames or labels of the general style."""


@dataclass(frozen=True, kw_only=True)
class SyntheticFaces:
    """Data set of rendered faces.

    Attributes:
        root: output folder.
        name: name of the data set; starts with ``synthetic``.
        au_set: labeled action units, see :class:`mdhr.synthetic.clip_simulator.ClipSimulator` for their statistics.
        size: height and width of the frames in pixels.
        zoom: values above 1 crop tighter.
        num_subjects: number of subjects, each with its own identity.
        num_tasks: number of videos per subject.
        num_frames: number of frames per video.
        stride: simulated frames per rendered frame. 3 fits three times as many events into a video, at 25 / 3 frames/s.
        seed: seed of subjects, animations, and folds.
        quality: JPEG quality, 1 to 100.
        style: ``bench`` distinguishes temporal models; ``general`` is more realistic (:mod:`mdhr.synthetic.general_acting`).
        heads: names of head models (``HEAD_NAMES``), assigned to the subjects in turn. With several, names of subjects
            end in the head's name, such as ``S02-ict``, and every fold contains all heads.
        num_workers: number of processes; None starts one per core.

    Raises ``InputError`` if a value is out of range, or if there are fewer than ``NUM_FOLDS`` subjects per head.
    """

    root: Name | Path
    name: Name
    au_set: ActionUnitSet
    size: FrameSize
    zoom: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)]
    num_subjects: Annotated[int, Field(ge=NUM_FOLDS, le=100_000)]
    num_tasks: Annotated[int, Field(ge=1, le=1000)]
    num_frames: Annotated[int, Field(ge=1, le=1_000_000)]
    stride: Annotated[int, Field(ge=1, le=1000)]
    seed: Seed
    quality: JpegQuality
    style: Style = "bench"
    heads: HeadNames = DEFAULT_HEADS
    num_workers: NumProcesses | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", tuple(self.heads) if not isinstance(self.heads, str) else self.heads)
        check_arguments(type(self), vars(self), where="data.prepare")
        check_rendered(self.au_set)
        check_rendered_name(self.name)
        if len(set(self.heads)) != len(self.heads) or not self.heads:
            raise InputError(f"data.prepare.heads={list(self.heads)}: expected one or more different names.")
        if self.num_subjects < NUM_FOLDS * len(self.heads):
            raise InputError(
                f"data.prepare.num_subjects={self.num_subjects}: expected at least {NUM_FOLDS * len(self.heads)}, "
                f"{NUM_FOLDS} per head model, so that every fold contains all of them."
            )

    def run(self) -> None:
        """Render the missing videos with a progress bar, then write the manifest.

        Raises ``InputError`` if ``root`` contains another data set or cannot be written to.
        """
        if self.is_done():
            return
        with locked_folder(Path(self.root), setting="data.root"):
            self._claim_root()
            if not self.is_done():
                self._render()

    def is_done(self) -> bool:
        """Return whether the data set is complete; raises ``InputError`` if it was rendered with other settings."""
        if not (Path(self.root) / DESCRIPTION).is_file():
            return False
        self._claim_root()
        return self._num_missing() == 0

    def _claim_root(self) -> None:
        claim_folder(
            Path(self.root),
            self.settings,
            settings_file=SETTINGS,
            content=CONTENT,
            created_by="rendered",
            setting="data.root",
        )

    def _num_missing(self) -> int:
        return sum(not self.is_rendered(video) for video in self.videos)

    def _render(self) -> None:
        root, missing = Path(self.root), self._num_missing()
        total = len(self.videos) * self.num_frames
        done = total - missing * self.num_frames
        tables = []
        progress = frame_progress(f"rendering {root}", total=total, done=done)
        results = run_all(render_if_missing, self, self.videos, num_workers=self.num_workers)
        with progress, closing(results):
            for num_rendered, table in results:
                tables.append(table)
                progress.update(num_rendered)
        write_manifest(
            root,
            pd.concat(tables).sort_values(KEY, ignore_index=True),
            name=self.name,
            au_set=self.au_set,
            fps=self.simulator.fps / self.stride,
            size=self.size,
            folds=self.folds,
            settings=self.settings,
        )

    def plan(self) -> str:
        """Return a one-line description of what :meth:`run` would render."""
        missing = self._num_missing()
        return (
            f"Would render {missing} of {len(self.videos)} videos ({missing * self.num_frames} frames of "
            f"{self.size} px) to {self.root}; the others are complete."
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that determine frames and labels: all except the output folder and the number of processes."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        del chosen["root"], chosen["num_workers"]
        for name, default in DEFAULTS.items():
            if chosen[name] == default:
                del chosen[name]
        if "style" in chosen:
            chosen["general_version"] = GENERAL_VERSION
        if "heads" in chosen:
            chosen["heads"] = list(self.heads)
        return {"version": VERSION, **chosen, "au_set": self.au_set.definition}

    @cached_property
    def subjects(self) -> list[str]:
        """Subject names, see :func:`mdhr.synthetic.video_plan.subject_names`."""
        return subject_names(self.num_subjects, self.heads)

    @cached_property
    def videos(self) -> list[VideoSpec]:
        """All videos in the order of their subjects."""
        return plan_videos(self.subjects, self.heads, num_tasks=self.num_tasks, seed=self.seed)

    @property
    def folds(self) -> dict[int, list[str]]:
        """Test subjects of each fold."""
        return plan_folds(self.subjects, self.heads, seed=self.seed)

    @property
    def simulator(self) -> ClipSimulator:
        """Simulator of the style with the label statistics of ``au_set``."""
        return _cached_simulator(GeneralClipSimulator if self.style == "general" else ClipSimulator, self.au_set)

    def animation(self, video: VideoSpec) -> FaceAnimation:
        """Return the animation of a video, including the resting intensity and accessories of its identity."""
        rng = np.random.default_rng(video.animation_seed)
        animation = self.simulator.simulate(rng=rng, num_frames=self.num_frames, stride=self.stride)
        return self.simulator.with_identity(animation, video.identity_seed)

    def table(self, video: VideoSpec, animation: FaceAnimation) -> pd.DataFrame:
        """Return a video's manifest rows and the intensity of every action unit, averaged over both sides."""
        labels = pd.DataFrame(self.simulator.labels(animation), columns=list(self.au_set.columns))
        intensity = pd.DataFrame(animation.intensity.mean(-1), columns=[f"intensity_AU{au}" for au in AUS])
        frames = range(self.num_frames)
        return pd.DataFrame({"frame": frames, "path": [f"{video.folder}/{frame_name(f)}" for f in frames]}).assign(
            subject=video.subject,
            task=video.task,
            face_found=True,
            crop_x=0.0,
            crop_y=0.0,
            crop_size=float(self.size),
            crop_roll=0.0,
            **labels,
            **intensity,
        )

    def is_rendered(self, video: VideoSpec) -> bool:
        """Return whether a video is complete."""
        return is_rendered(Path(self.root) / video.folder, num_frames=self.num_frames)


def render_if_missing(faces: SyntheticFaces, video: VideoSpec) -> tuple[int, pd.DataFrame]:
    """Render a video unless it is complete. Return the number of rendered frames and the video's manifest rows."""
    animation = faces.animation(video)
    table = faces.table(video, animation)
    if faces.is_rendered(video):
        return 0, table
    render_video(
        Path(faces.root) / video.folder,
        head=cached_head(video.head),
        animation=animation,
        identity_seed=video.identity_seed,
        size=faces.size,
        zoom=faces.zoom,
        quality=faces.quality,
    )
    return faces.num_frames, table


@lru_cache(maxsize=2)
def _cached_simulator(simulator: type[ClipSimulator], au_set: ActionUnitSet) -> ClipSimulator:
    return simulator(au_set)
