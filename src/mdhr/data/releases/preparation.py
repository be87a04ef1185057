"""From a release to the prepared form: find the face of every coded frame, cut it out, write the manifest.

What was there before is never touched. A run that was stopped in any way goes on where it was: a video is there whole
or not at all, and the same release and settings give the same bytes.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mdhr.data.faces.cropping import central_square, crop_face
from mdhr.data.faces.detection import Detector
from mdhr.data.faces.face_track import crop_track
from mdhr.data.faces.tracking import track_main_face
from mdhr.data.prepared.manifest import CONTENT, DESCRIPTION, write_manifest
from mdhr.data.releases.coded_frames import coded_frames
from mdhr.data.releases.release import Problem, RawRelease, RawVideo, Release, listed
from mdhr.data.releases.release_checks import check_release
from mdhr.data.video.frame_images import frame_name, write_frame
from mdhr.data.video.frame_source import FrameSource, ImageFolder, VideoFile
from mdhr.errors import InputError
from mdhr.files.checksums import SHORT, content_checksum
from mdhr.files.folders import atomic_folder, claim_folder
from mdhr.files.worker_pool import HalfFrames, count, frame_progress, run_all

SETTINGS = "preparing.yaml"
CROPS = "crops.csv"
"""Beside the frames of a video: where they were cut."""
VERSION = 2
"""Raise it when the same settings begin to give other frames or labels."""


@dataclass(frozen=True)
class Job:
    """One video to prepare."""

    video: RawVideo
    frames: tuple[int, ...]
    """Numbers of the coded frames, ascending."""
    fps: float

    @property
    def folder(self) -> str:
        """Where its frames go, relative to the root of the prepared form: ``frames/F001/T1``."""
        return f"frames/{self.video.name}"

    @property
    def source(self) -> FrameSource:
        """The pictures of the coded frames."""
        if self.video.images is None:
            first = int(self.video.numbers[0])
            return VideoFile(self.video.path, positions=[frame - first for frame in self.frames])
        names = [self.video.images[frame] for frame in self.frames]
        return ImageFolder(self.video.path, names, [frame / self.fps for frame in self.frames])


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A release and how its faces are cut.

    Attributes:
        root: folder to write to.
        name: what the data set calls itself.
        release: reads the release.
        detector: finds faces; None takes the images for crops already.
        size: pixels of the square frames.
        fill: share of the crop's height from brow to chin, see ``face_crop``.
        smoothing: of the crop over time, standard deviation in seconds.
        quality: of the JPEG frames.
        incomplete: prepare what is whole of a release with errors and leave the rest out.
        num_workers: processes; None means one a core.
    """

    root: str | Path
    name: str
    release: Release
    detector: Detector | None
    size: int
    fill: float
    smoothing: float
    quality: int
    incomplete: bool = False
    num_workers: int | None = None

    def __post_init__(self) -> None:
        limits = {"size": (32, 4096), "fill": (0.1, 1.5), "smoothing": (0, 60), "quality": (1, 100)}
        for key, (low, high) in limits.items():
            if not low <= getattr(self, key) <= high:
                raise InputError(f"data.prepare.{key} is {getattr(self, key)}: it must be from {low} to {high}")

    def run(self) -> None:
        """Prepare what is missing, then write the manifest; shows progress.

        Raises ``InputError`` where the release has errors (unless ``incomplete``), a video cannot be read or shows no
        face (the others are prepared all the same), or ``root`` holds something else or cannot be written to.
        """
        root = Path(self.root)
        if self.is_done():
            return
        release = self.release.read()
        self._refuse(check_release(release, partial=True), release)
        self._claim_root()
        table = coded_frames(release)
        jobs = self.jobs(release, table)
        missing = [job for job in jobs if not self.is_prepared(job)]
        failures: list[str] = []
        total, todo = len(table), sum(len(job.frames) for job in missing)
        # A frame is looked at once and cut once: each counts half.
        halves = HalfFrames(frame_progress(f"preparing {root}", total=total, done=total - todo))
        outcomes = run_all(prepare_video, self, missing, num_workers=self.num_workers, progress=halves.update)
        with halves.bar, closing(outcomes):
            failures = [failure for failure in outcomes if failure]
        if failures and not self.incomplete:
            raise InputError(
                f"{len(failures)} of {len(jobs)} videos could not be prepared, the others are kept: {failures[0]}; "
                "mend that and start again, or leave such videos out with data.prepare.incomplete=true"
            )
        if len(failures) == len(jobs):
            raise InputError(f"no video could be prepared, the first: {failures[0]}")
        crops = pd.concat([self.read_crops(job) for job in jobs if self.is_prepared(job)], ignore_index=True)
        table = crops.merge(table, on=["subject", "task", "frame"], validate="one_to_one")
        write_manifest(
            root,
            table,
            name=self.name,
            au_set=release.au_set,
            fps=release.fps,
            size=self.size,
            folds=release.folds,
            settings={**self.settings, "left_out": failures},
        )
        if failures:
            print(f"left out, as data.prepare.incomplete=true: {'; '.join(failures)}")

    def plan(self) -> str:
        """What :meth:`run` would do, without doing any of it."""
        if self.is_done():
            return f"{self.root} is prepared: there is nothing to do"
        release = self.release.read()
        problems = check_release(release, partial=True)
        table = coded_frames(release)
        jobs = self.jobs(release, table)
        num_done = sum(self.is_prepared(job) for job in jobs)
        return "\n".join(
            [
                f"release      {release.name} in {release.root}: {table['subject'].nunique()} subjects, {len(jobs)} "
                f"videos, {len(table)} coded frames with a picture",
                f"would write  {len(table)} faces of {self.size} px to {self.root}"
                + (f"; {num_done} videos are there already" if num_done else ""),
                f"by           {self.detector or 'no detector: images are taken for crops already'}",
                *listed(problems, refused=not self.incomplete),
            ]
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that decides what frames and labels are."""
        chosen = {key: getattr(self, key) for key in ("name", "size", "fill", "smoothing", "quality")}
        detector = str(self.detector) if self.detector else None
        return {"version": VERSION, **chosen, "detector": detector, **self.release.settings}

    def jobs(self, release: RawRelease, table: pd.DataFrame) -> list[Job]:
        """Every video that has coded frames with pictures."""
        frames = {key: tuple(rows.tolist()) for key, rows in table.groupby(["subject", "task"])["frame"]}
        videos = [(video, frames.get((video.subject, video.task), ())) for video in release.videos]
        return [Job(video, numbers, release.fps) for video, numbers in videos if numbers]

    def is_done(self) -> bool:
        """Whether everything is prepared, with these settings; raises ``InputError`` if with others."""
        root = Path(self.root)
        if not (root / DESCRIPTION).is_file():
            return False
        self._claim_root()
        return True

    def _claim_root(self) -> None:
        claim_folder(
            Path(self.root),
            self.settings,
            settings_file=SETTINGS,
            content=CONTENT,
            created_by="prepared",
            setting="data.prepared",
        )

    def is_prepared(self, job: Job) -> bool:
        """Whether a video is there with just these frames."""
        folder = Path(self.root) / job.folder
        if not (folder / CROPS).is_file():
            return False
        names = [frame_name(frame) for frame in job.frames]
        return names == sorted(path.name for path in folder.glob("*.jpg"))

    def read_crops(self, job: Job) -> pd.DataFrame:
        """The rows that a video has in the manifest, but for its labels."""
        crops = pd.read_csv(Path(self.root) / job.folder / CROPS, dtype={"checksum": str})
        paths = [f"{job.folder}/{frame_name(frame)}" for frame in crops["frame"]]
        return crops.assign(subject=job.video.subject, task=job.video.task, path=paths)

    def _refuse(self, problems: Sequence[Problem], release: RawRelease) -> None:
        errors = [problem for problem in problems if problem.level == "error"]
        if errors and not self.incomplete:
            raise InputError(
                f"{release.root} has {len(errors)} errors, the first: {errors[0].where}: {errors[0].what}; list all "
                f"with mdhr check data={self.name} data.root={release.root}, then mend them or prepare what "
                "is whole with data.prepare.incomplete=true"
            )
        if release.labels.empty or not release.videos:
            raise InputError(
                f"{release.root} holds no {release.name} video with labels: see docs/data.md for its layout"
            )


def prepare_video(preparation: Preparation, job: Job) -> str | None:
    """Write the faces of one video and where they were cut; returns why not, if that cannot be done."""
    rows = []
    try:
        with atomic_folder(Path(preparation.root) / job.folder) as folder:
            for frame, (face, found, box) in zip(job.frames, _faces(preparation, job), strict=True):
                content = write_frame(folder / frame_name(frame), face, quality=preparation.quality)
                rows.append((frame, found, *np.round(box, 3), content_checksum(content, digits=SHORT)))
                count(1)
            columns = ["frame", "face_found", "crop_x", "crop_y", "crop_size", "crop_roll", "checksum"]
            pd.DataFrame(rows, columns=columns).to_csv(folder / CROPS, index=False)
    except InputError as error:
        return f"{job.video.name}: {error}"
    return None


def _faces(preparation: Preparation, job: Job) -> Iterator[tuple[np.ndarray, bool, Sequence[float]]]:
    """Every face of a video, whether it was found, and the square it was cut from."""
    if preparation.detector is None:
        for _, frame in job.source.frames():
            box = central_square(*frame.shape[:2])
            count(1)  # there is nothing to look for
            yield crop_face(frame, box, preparation.size), True, box
        return
    track = track_main_face(
        job.source,
        detector=preparation.detector,
        fill=preparation.fill,
        smoothing=preparation.smoothing,
        progress=count,
    )
    yield from zip(crop_track(job.source, track, size=preparation.size), track.face_found, track.crop, strict=True)
