"""Bank of independent rendered frames with regression targets for the pretraining of a backbone.

The identities have seeds from ``FIRST_PRETRAINING_IDENTITY`` on, which no data set uses. Each identity has one file of
frames and one file of targets. The targets are written last, so an interrupted run resumes.

Letters: F frames of an identity, U action units of the renderer, L landmarks, K = 2 U + 6 + 2 L targets.
"""

import io
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mdhr.config.ranges import FrameSize, Name, NumProcesses, Seed
from mdhr.files.atomic import write_bytes
from mdhr.files.folder_lock import locked_folder
from mdhr.files.worker_pool import frame_progress, run_all
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.clip_simulator import simulate_independent_frames
from mdhr.synthetic.face_units import AUS, SIDES
from mdhr.synthetic.general_acting import simulate_independent_clips
from mdhr.synthetic.heads import cached_head
from mdhr.synthetic.scene import Style
from mdhr.synthetic.video_plan import DEFAULT_HEADS, FIRST_PRETRAINING_IDENTITY, HeadNames
from mdhr.synthetic.video_rendering import cached_identity, cached_renderer

INTENSITY_TARGETS = slice(0, len(AUS) * len(SIDES))
"""Columns of the intensities, left and right side of each action unit."""
POSE_TARGETS = slice(INTENSITY_TARGETS.stop, INTENSITY_TARGETS.stop + 6)
"""Columns of yaw, pitch, and roll in degrees, blink, and gaze yaw and pitch."""
LANDMARK_TARGETS = slice(POSE_TARGETS.stop, None)
"""Columns of the landmarks, x and y of each."""


@dataclass(frozen=True, kw_only=True)
class PretrainingBank:
    """Independent frames of many identities.

    Attributes:
        root: output folder.
        num_identities: number of identities.
        frames_per_identity: number of frames per identity.
        size: height and width of the frames in pixels.
        zoom: values above 1 crop tighter.
        seed: seed of identities and animations.
        style: ``bench`` or ``general``, see :class:`mdhr.synthetic.generator.SyntheticFaces`.
        heads: names of head models, assigned to the identities in turn. Banks in one folder share the files of a head.
        num_workers: number of processes; None starts one per core.
    """

    root: Name | Path
    num_identities: Annotated[int, Field(ge=2, le=1_000_000)]
    frames_per_identity: Annotated[int, Field(ge=1, le=10_000)]
    size: FrameSize
    zoom: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)]
    seed: Seed
    style: Style = "bench"
    heads: HeadNames = DEFAULT_HEADS
    num_workers: NumProcesses | None = None

    def run(self) -> None:
        """Render the missing identities with a progress bar. Raises ``InputError`` if ``root`` cannot be written to."""
        if self._missing():
            with locked_folder(Path(self.root), setting="bank.root"):
                self._render(self._missing())

    def _missing(self) -> list[int]:
        return [index for index in range(self.num_identities) if not self.target_file(index).is_file()]

    def _render(self, missing: list[int]) -> None:
        total = self.num_identities * self.frames_per_identity
        done = total - len(missing) * self.frames_per_identity
        results = run_all(render_identity, self, missing, num_workers=self.num_workers)
        with frame_progress(f"rendering {self.root}", total=total, done=done) as bar, closing(results):
            for num_frames in results:
                bar.update(num_frames)

    def frame_file(self, index: int) -> Path:
        """Return the path of an identity's frames, uint8 ``(F, size, size, 3)``."""
        return Path(self.root) / f"{self._name(index)}-frames.npy"

    def target_file(self, index: int) -> Path:
        """Return the path of an identity's targets, float32 ``(F, K)``."""
        return Path(self.root) / f"{self._name(index)}-targets.npy"

    def head_and_number(self, index: int) -> tuple[str, int]:
        """Return the head model of an identity, and its number among the identities of that head."""
        number, head = divmod(index, len(self.heads))
        return self.heads[head], number

    def _name(self, index: int) -> str:
        head, number = self.head_and_number(index)
        variant = "" if self.style == "bench" and head == DEFAULT_HEADS[0] else f"-{self.style}-{head}"
        return f"{self.size}px-zoom{self.zoom:g}-seed{self.seed}{variant}-{number:05d}"


def render_identity(bank: PretrainingBank, index: int) -> int:
    """Render and write the frames and targets of one identity. Return the number of frames."""
    name, number = bank.head_and_number(index)
    head = cached_head(name)
    renderer = cached_renderer(head, bank.size, bank.zoom)
    rng = np.random.default_rng(
        [bank.seed, number, *name.encode()] if name != DEFAULT_HEADS[0] else [bank.seed, number]
    )
    identity = cached_identity(head, int(rng.integers(FIRST_PRETRAINING_IDENTITY, 2**31)))
    if bank.style == "general":
        clips = simulate_independent_clips(rng=rng, num_frames=bank.frames_per_identity)
    else:
        clips = [simulate_independent_frames(rng=rng, num_frames=bank.frames_per_identity)]
    frames, targets = [], []
    for clip in clips:
        order = range(clip.num_frames)
        frames += [renderer.frame(identity, clip, f) for f in order]
        landmarks = np.stack([renderer.landmarks(identity, clip, f) for f in order])
        targets.append(pretraining_targets(clip, landmarks))
    _save(bank.frame_file(index), np.stack(frames))
    _save(bank.target_file(index), np.concatenate(targets))
    return len(frames)


def pretraining_targets(animation: FaceAnimation, landmarks: FloatArray) -> FloatArray:
    """Return the targets ``(F, K)`` of an animation and its landmarks ``(F, L, 2)`` in pixels."""
    pose = [animation.rotation, animation.blink[:, None], animation.gaze]
    flat = [animation.intensity.reshape(len(landmarks), -1), *pose, landmarks.reshape(len(landmarks), -1)]
    return np.concatenate(flat, axis=1).astype(np.float32)


def _save(path: Path, array: NDArray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_bytes(path, buffer.getvalue())
