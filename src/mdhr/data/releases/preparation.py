"""Preparation of a release: detect and crop the face of every labeled frame, then write the manifest.

The release is not modified. An interrupted preparation resumes: each video is complete or absent. The same release and
settings result in the same bytes.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from mdhr.config.argument_check import check_arguments
from mdhr.config.ranges import FrameSize, JpegQuality, Name, NumProcesses
from mdhr.data.faces.cropping import central_square, crop_face
from mdhr.data.faces.detection import Detector
from mdhr.data.faces.main_face import crop_track, track_main_face
from mdhr.data.prepared.manifest import CONTENT, DESCRIPTION, write_manifest
from mdhr.data.problems import DataProblemsError, Problem, list_problems
from mdhr.data.releases.contents import Release, ReleaseContents
from mdhr.data.releases.frame_shift import shifted_videos
from mdhr.data.releases.label_table import label_table
from mdhr.data.releases.preparation_job import PreparationJob
from mdhr.data.releases.release_checks import check_release
from mdhr.data.video.frame_images import frame_name, write_frame
from mdhr.errors import InputError
from mdhr.files.checksums import SHORT, content_checksum
from mdhr.files.folder_lock import locked_folder
from mdhr.files.folders import atomic_folder, claim_folder
from mdhr.files.worker_pool import HalfFrameProgress, count, frame_progress, run_all

SETTINGS = "preparing.yaml"
CROPS = "crops.csv"
"""File next to the frames of a video, with the crop box of each frame."""
VERSION = 3
"""Increased whenever the same settings result in other frames or labels."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Preparation of one release.

    Attributes:
        root: folder to write to.
        name: name of the data set.
        release: reader of the release.
        detector: face detector; None if the images are face crops already.
        size: width and height of the stored faces in pixels, 32 to 4096.
        fill: distance from brow to chin as a share of the crop height, 0.1 to 1.5.
        smoothing: standard deviation of the temporal smoothing of the crop, 0 to 60 seconds.
        quality: JPEG quality, 1 to 100.
        incomplete: prepare a release that has errors, without the affected videos. Shifted labels remain an error.
        num_workers: processes; None is one per core.
    """

    root: Name | Path
    name: Name
    release: Release
    detector: Detector | None
    size: FrameSize
    fill: Annotated[float, Field(ge=0.1, le=1.5, allow_inf_nan=False)]
    smoothing: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
    quality: JpegQuality
    incomplete: bool = False
    num_workers: NumProcesses | None = None

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), where="data.prepare")

    def run(self) -> None:
        """Prepare the missing videos, then write the manifest; shows progress.

        Raises ``InputError`` if the release has errors or a video cannot be prepared (both unless ``incomplete``), if
        labels are shifted against the frames, or if ``root`` contains another data set or cannot be written to. Other
        videos are prepared before a failure is reported.
        """
        if self.is_done():
            return
        release = self.release.read()
        self._check_problems(check_release(release, partial=True), release)
        with locked_folder(Path(self.root), setting="data.prepared"):
            self._claim_root()
            if not self.is_done():
                self._write(release)

    def _write(self, release: ReleaseContents) -> None:
        root, table = Path(self.root), label_table(release)
        jobs = self.jobs(release, table)
        missing = [job for job in jobs if not self.is_prepared(job)]
        failures: list[str] = []
        total, todo = len(table), sum(len(job.frames) for job in missing)
        # Every frame is read twice, for detection and for cropping; each pass counts half.
        halves = HalfFrameProgress(frame_progress(f"preparing {root}", total=total, done=total - todo))
        outcomes = run_all(prepare_video, self, missing, num_workers=self.num_workers, progress=halves.update)
        with halves.bar, closing(outcomes):
            failures = [failure for failure in outcomes if failure]
        if failures and not self.incomplete:
            raise InputError(
                f"{len(failures)} of {len(jobs)} videos could not be prepared, the first: {failures[0].rstrip('.')}. "
                "The others are kept. Fix this and run the command again, or exclude such videos with "
                "data.prepare.incomplete=true."
            )
        if len(failures) == len(jobs):
            raise InputError(f"no video could be prepared. First: {failures[0]}")
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
            settings={**self.settings, "excluded": failures},
        )
        if failures:
            print(f"excluded because of data.prepare.incomplete=true: {'; '.join(failures)}")

    def plan(self) -> str:
        """Return a description of what :meth:`run` would do."""
        return self.inspect()[0]

    def inspect(self) -> tuple[str, list[Problem]]:
        """Return :meth:`plan` and the problems of the release."""
        if self.is_done():
            return f"{self.root} is prepared; nothing to do", []
        release = self.release.read()
        problems = check_release(release, partial=True)
        table = label_table(release)
        jobs = self.jobs(release, table)
        num_done = sum(self.is_prepared(job) for job in jobs)
        lines = "\n".join(
            [
                f"release      {release.name} in {release.root}: {table['subject'].nunique()} subjects, {len(jobs)} "
                f"videos, {len(table)} labeled frames with an image",
                f"would write  {len(table)} faces of {self.size} px to {self.root}"
                + (f"; {num_done} videos are prepared already" if num_done else ""),
                f"detector     {self.detector or 'none; the images are face crops already'}",
                *list_problems(problems, prevents_preparation=not self.incomplete or bool(shifted_videos(release))),
            ]
        )
        return lines, problems

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that determine frames and labels; stored in the root."""
        chosen = {key: getattr(self, key) for key in ("name", "size", "fill", "smoothing", "quality")}
        detector = str(self.detector) if self.detector else None
        return {"version": VERSION, **chosen, "detector": detector, **self.release.settings}

    def jobs(self, release: ReleaseContents, table: pd.DataFrame) -> list[PreparationJob]:
        """Return the videos that have labeled frames with images."""
        frames = {key: tuple(rows.tolist()) for key, rows in table.groupby(["subject", "task"])["frame"]}
        videos = [(video, frames.get((video.subject, video.task), ())) for video in release.videos]
        return [PreparationJob(video, numbers, release.fps) for video, numbers in videos if numbers]

    def is_done(self) -> bool:
        """Return whether the data set is complete; raises ``InputError`` if it was prepared with other settings."""
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

    def is_prepared(self, job: PreparationJob) -> bool:
        """Return whether the video is prepared with exactly these frames."""
        folder = Path(self.root) / job.folder
        if not (folder / CROPS).is_file():
            return False
        names = [frame_name(frame) for frame in job.frames]
        return names == sorted(path.name for path in folder.glob("*.jpg"))

    def read_crops(self, job: PreparationJob) -> pd.DataFrame:
        """Return the rows of a video in the manifest without labels."""
        crops = pd.read_csv(Path(self.root) / job.folder / CROPS, dtype={"checksum": str})
        paths = [f"{job.folder}/{frame_name(frame)}" for frame in crops["frame"]]
        return crops.assign(subject=job.video.subject, task=job.video.task, path=paths)

    def _check_problems(self, problems: Sequence[Problem], release: ReleaseContents) -> None:
        if shifted := shifted_videos(release):
            first = shifted[0]
            raise DataProblemsError(
                f"{release.root}: in {len(shifted)} videos, the first is {first.where}, {first.what}. "
                f"To fix this, {first.fix}.",
                problems,
            )
        errors = [problem for problem in problems if problem.level == "error"]
        if errors and not self.incomplete:
            raise DataProblemsError(
                f"{release.root} has {len(errors)} errors, the first: {errors[0].where}: {errors[0].what}. List all "
                f"with `mdhr check data={self.name} data.root={release.root}`, then fix them, or exclude the affected "
                "videos with data.prepare.incomplete=true.",
                problems,
            )
        if release.labels.empty or not release.videos:
            raise InputError(
                f"{release.root} contains no {release.name} video with labels. Expected layout: docs/data.md."
            )


def prepare_video(preparation: Preparation, job: PreparationJob) -> str | None:
    """Write the faces and crop boxes of one video; return the error message if that fails, else None."""
    rows = []
    try:
        with atomic_folder(Path(preparation.root) / job.folder, setting="data.prepared") as folder:
            for frame, (face, found, box) in zip(job.frames, _faces(preparation, job), strict=True):
                content = write_frame(folder / frame_name(frame), face, quality=preparation.quality)
                rows.append((frame, found, *np.round(box, 3), content_checksum(content, digits=SHORT)))
                count(1)
            columns = ["frame", "face_found", "crop_x", "crop_y", "crop_size", "crop_roll", "checksum"]
            pd.DataFrame(rows, columns=columns).to_csv(folder / CROPS, index=False)
    except InputError as error:
        return f"{job.video.name}: {error}"
    return None


def _faces(preparation: Preparation, job: PreparationJob) -> Iterator[tuple[np.ndarray, bool, Sequence[float]]]:
    """Yield the face crop of every frame, whether a face was found, and the crop box ``(x, y, size, roll)``."""
    if preparation.detector is None:
        for frame in job.source.frames():
            image = frame.rgb()
            box = central_square(*image.shape[:2])
            count(1)  # the pass that detection would take
            yield crop_face(image, box, preparation.size), True, box
        return
    track = track_main_face(
        job.source,
        detector=preparation.detector,
        fill=preparation.fill,
        smoothing=preparation.smoothing,
        progress=count,
    )
    yield from zip(crop_track(job.source, track, size=preparation.size), track.face_found, track.crop, strict=True)
