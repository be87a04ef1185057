"""Rendered face videos with known codes in the formats of coding tools: example data for training on own videos.

Rendering is resumable: a video is either complete or absent. The same settings give the same codes and frames.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from mdhr.action_units.facs import ActionUnit, action_unit, au_number
from mdhr.config.argument_check import check_arguments
from mdhr.config.ranges import FrameRate, Name, NumProcesses, PositiveInt, Seed
from mdhr.data.video.encoding import write_video
from mdhr.errors import InputError, OutputError
from mdhr.files.atomic import temporary_path
from mdhr.files.folders import claim_folder
from mdhr.files.worker_pool import frame_progress, run_all
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.code_files import CODE_FORMATS, VideoCodes
from mdhr.synthetic.coded_acting import CODED_AUS, CodedClipSimulator, coded_intensity, coded_labels
from mdhr.synthetic.heads import cached_head
from mdhr.synthetic.video_plan import HeadNames, VideoSpec, plan_videos, subject_names
from mdhr.synthetic.video_rendering import cached_identity, cached_renderer

SETTINGS = "rendering.yaml"
TRUTH = "truth.parquet"
"""Table of the known labels with the columns ``video``, ``subject``, ``task``, ``frame`` and one per action unit."""
VERSION = 1
"""Increase when the same settings produce other frames or codes."""
HEADS: HeadNames = ("anny", "ict")
ZOOM = 0.72
"""The frame shows the head with room around it, so that a face detector finds and crops the face."""


@dataclass(frozen=True, kw_only=True)
class CodedVideos:
    """Rendered videos with codes.

    Attributes:
        out: folder of the videos: ``S01-anny/S01-anny_T1.mp4``, ...
        codes: folder of the codes: ``<format>/S01-anny/S01-anny_T1.<suffix>``, ..., and ``truth.parquet``.
        formats: names of :data:`mdhr.synthetic.code_files.CODE_FORMATS`.
        aus: coded action units. The faces show all of ``CODED_AUS``.
        num_subjects: number of subjects, each with its own identity. Head models alternate.
        videos_per_subject: number of videos per subject.
        num_frames: number of frames per video.
        size: height and width of the frames in pixels, an even number.
        fps: frame rate.
        seed: seed of subjects and animations.
        num_workers: number of processes; None starts one per core.

    Raises ``InputError`` if a value is invalid or the renderer does not show an action unit.
    """

    out: Name | Path
    codes: Name | Path
    formats: tuple[str, ...]
    aus: tuple[ActionUnit, ...]
    num_subjects: PositiveInt
    videos_per_subject: PositiveInt
    num_frames: PositiveInt
    size: Annotated[int, Field(ge=64, le=2048, multiple_of=2)]
    fps: FrameRate
    seed: Seed
    num_workers: NumProcesses | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "aus", tuple(action_unit(au) for au in self.aus))
        check_arguments(type(self), vars(self), where="mdhr render-videos")
        for given, known, option in (
            (self.formats, CODE_FORMATS, "--formats"),
            ([au_number(au) for au in self.aus], CODED_AUS, "--aus"),
        ):
            if not given:
                raise InputError(f"{option} is empty: expected some of {', '.join(map(str, known))}.")
            if unknown := [each for each in given if each not in known]:
                raise InputError(f"{option}: unknown {unknown[0]!r}, expected some of {', '.join(map(str, known))}.")
        if len(set(self.aus)) < len(self.aus):
            raise InputError("--aus contains an action unit twice.")
        if "openface" in self.formats and (sided := [au for au in self.aus if isinstance(au, str)]):
            raise InputError(f"--formats openface has no one-sided action units: leave out {sided[0]} or the format.")

    def run(self) -> int:
        """Render the missing videos with a progress bar, write all codes, and return the number of videos."""
        claim_folder(
            Path(self.codes),
            self.settings,
            settings_file=SETTINGS,
            content=[TRUTH],
            created_by="rendered",
            setting="--codes",
        )
        done = self.num_frames * sum(self.path(video).is_file() for video in self.videos)
        total = self.num_frames * len(self.videos)
        tables = []
        progress = frame_progress(f"rendering {self.out}", total=total, done=done)
        results = run_all(render_coded_video, self, self.videos, num_workers=self.num_workers)
        with progress, closing(results):
            for num_rendered, table in results:
                tables.append(table)
                progress.update(num_rendered)
        truth = pd.concat(tables).sort_values(["video", "frame"], ignore_index=True)
        with temporary_path(Path(self.codes) / TRUTH) as temporary:
            truth.to_parquet(temporary, index=False)
        return len(self.videos)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that determine frames and codes."""
        excluded = ("out", "codes", "formats", "num_workers")
        chosen = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in excluded}
        return {"version": VERSION, **chosen, "aus": list(self.aus)}

    @cached_property
    def videos(self) -> list[VideoSpec]:
        """All videos in the order of their subjects."""
        subjects = subject_names(self.num_subjects, HEADS)
        return plan_videos(subjects, HEADS, num_tasks=self.videos_per_subject, seed=self.seed)

    def path(self, video: VideoSpec) -> Path:
        """Return the path of a video file."""
        return Path(self.out) / video.subject / f"{video.subject}_{video.task}.mp4"

    def animation(self, video: VideoSpec) -> FaceAnimation:
        """Return the animation of a video."""
        simulator = _cached_simulator(self.fps)
        rng = np.random.default_rng((*video.animation_seed, 8))
        return simulator.with_identity(simulator.simulate(rng=rng, num_frames=self.num_frames), video.identity_seed)

    def video_codes(self, video: VideoSpec, animation: FaceAnimation) -> VideoCodes:
        """Return the known codes of a video."""
        return VideoCodes(
            video=self.path(video),
            subject=video.subject,
            fps=self.fps,
            aus=self.aus,
            labels=np.stack([coded_labels(animation, au) for au in self.aus], axis=1),
            intensity=np.stack([coded_intensity(animation, au) for au in self.aus], axis=1),
        )

    def code_paths(self, video: VideoSpec) -> Iterator[tuple[str, Path]]:
        """Yield format and path of every code file of a video."""
        for name in self.formats:
            suffix, _ = CODE_FORMATS[name]
            yield name, Path(self.codes) / name / video.subject / f"{self.path(video).stem}{suffix}"


def render_coded_video(videos: CodedVideos, video: VideoSpec) -> tuple[int, pd.DataFrame]:
    """Write the codes of a video, render it unless it exists, and return the number of frames and the labels."""
    animation, path = videos.animation(video), videos.path(video)
    codes = videos.video_codes(video, animation)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, code_path in videos.code_paths(video):
            code_path.parent.mkdir(parents=True, exist_ok=True)
            CODE_FORMATS[name][1](code_path, codes)
    except OSError as error:
        raise OutputError(f"cannot write {error.filename}: {error.strerror or error}.") from error
    labels = codes.table
    labels.insert(0, "frame", np.arange(len(labels), dtype=np.int64))
    for column, value in (("task", video.task), ("subject", video.subject), ("video", f"{video.subject}/{path.name}")):
        labels.insert(0, column, value)
    if path.is_file():
        return 0, labels
    head = cached_head(video.head)
    renderer, identity = cached_renderer(head, videos.size, ZOOM), cached_identity(head, video.identity_seed)
    with write_video(path) as add:
        for f in range(videos.num_frames):
            add(f / videos.fps, renderer.frame(identity, animation, f))
    return videos.num_frames, labels


@lru_cache(maxsize=1)
def _cached_simulator(fps: float) -> CodedClipSimulator:
    return CodedClipSimulator(fps=fps)
