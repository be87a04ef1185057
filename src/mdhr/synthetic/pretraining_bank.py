"""A bank of independent rendered frames with everything that is known about them, to pretrain a backbone on.

Its people are those that no data set of the project contains (seeds from ``FIRST_PRETRAINING_IDENTITY`` on), and its
frames have nothing to do with each other, unlike those of a video. One file of frames and one of targets a person;
a person is there whole or not at all, so an interrupted run goes on where it was.
"""

import io
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes
from mdhr.files.worker_pool import frame_progress, run_all
from mdhr.synthetic.acting import random_frame_performance
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.generator import FIRST_PRETRAINING_IDENTITY
from mdhr.synthetic.performance import Floats, Performance
from mdhr.synthetic.recording import identity_of, renderer_of

NUM_POSE = 6
"""Yaw, pitch, roll in degrees, blink, gaze to the side and up."""


@dataclass(frozen=True, kw_only=True)
class FaceBank:
    """Independent frames of many people.

    Attributes:
        root: folder to write to.
        num_identities: people.
        frames_per_identity: frames of each of them.
        size: pixels of the square frames.
        zoom: above 1 crops tighter.
        seed: another seed, other people with other faces.
        num_workers: processes; None means one a core.
    """

    root: str | Path
    num_identities: int
    frames_per_identity: int
    size: int
    zoom: float
    seed: int
    num_workers: int | None = None

    def run(self) -> None:
        """Render who is missing; shows progress. Raises ``InputError`` where ``root`` cannot be written to."""
        try:
            Path(self.root).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {self.root}: {error.strerror}; choose another bank.root") from error
        missing = [person for person in range(self.num_identities) if not self.target_file(person).is_file()]
        total = self.num_identities * self.frames_per_identity
        done = total - len(missing) * self.frames_per_identity
        people = run_all(render_person, self, missing, num_workers=self.num_workers)
        with frame_progress(f"rendering {self.root}", total=total, done=done) as bar, closing(people):
            for num_frames in people:
                bar.update(num_frames)

    def frame_file(self, person: int) -> Path:
        """``(F, size, size, 3)`` uint8 of a person."""
        return Path(self.root) / f"{self._name(person)}-frames.npy"

    def target_file(self, person: int) -> Path:
        """``(F, K)`` float32 targets of a person, see :func:`targets`; written last."""
        return Path(self.root) / f"{self._name(person)}-targets.npy"

    def _name(self, person: int) -> str:
        return f"{self.size}px-zoom{self.zoom:g}-seed{self.seed}-{person:05d}"


def render_person(bank: FaceBank, person: int) -> int:
    """Render and write the frames of one person; returns how many."""
    renderer = renderer_of(bank.size, bank.zoom)
    rng = np.random.default_rng([bank.seed, person])
    seed = int(rng.integers(FIRST_PRETRAINING_IDENTITY, 2**31))
    identity = identity_of(seed)
    performance = random_frame_performance(rng=rng, num_frames=bank.frames_per_identity)
    frames = np.stack([renderer.frame(identity, performance, f) for f in range(performance.num_frames)])
    marks = np.stack([renderer.landmarks(identity, performance, f) for f in range(performance.num_frames)])
    _save(bank.frame_file(person), frames)
    _save(bank.target_file(person), targets(performance, marks))
    return performance.num_frames


def targets(performance: Performance, landmarks: Floats) -> Floats:
    """``(F, K)``: intensity of every unit on both sides (2 U), pose (``NUM_POSE``), landmarks x, y in pixels (2 L)."""
    pose = [performance.rotation, performance.blink[:, None], performance.gaze]
    flat = [performance.intensity.reshape(len(landmarks), -1), *pose, landmarks.reshape(len(landmarks), -1)]
    return np.concatenate(flat, axis=1).astype(np.float32)


def num_unit_targets() -> int:
    """How many of the targets are intensities; ``NUM_POSE`` of pose follow, and the landmarks fill the rest."""
    return 2 * len(AUS)


def _save(path: Path, array: NDArray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_bytes(path, buffer.getvalue())
