"""What the page of :mod:`mdhr.inference.app.server` knows of a scored video, and where the models are that it may be scored with.

Kept are scores, places of faces and small pictures of them, so that everything but the network can run again at once:
another frame, another person, another threshold.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import simplejpeg

from mdhr.action_units import ActionUnitSet
from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.video.decoding import expected_frames
from mdhr.data.video.frame_source import FrameSource, open_source
from mdhr.errors import InputError
from mdhr.files.yaml_files import read_yaml
from mdhr.inference.model_description import ModelDescription, read_run_description
from mdhr.inference.model_formats import CONFIG_FILE, FORMATS
from mdhr.inference.model_loading import SETTINGS_FILE, read_config
from mdhr.inference.output_files import NO_FACE
from mdhr.inference.predictor import Predictor
from mdhr.inference.score_table import make_score_table
from mdhr.inference.video_job import summarize_prediction

BEST = Path("checkpoints", "best.ckpt")
"""In the folder of a run."""
MOST_PICTURES = 2000
"""Of a video; about 25 MB. Of a longer one every second, third, ... frame has a picture."""
PICTURE_SIZE, WIDER = 288, 1.35
"""Pixels of a picture, and how much more than the network it shows."""

PATIENCE = 0.15
"""Seconds between two words on progress."""

Progress = Callable[[float, str], object]
"""Is told a share of the work, 0 to 1, and in words what is being done."""


@dataclass(frozen=True)
class Session:
    """A scored video."""

    name: str
    """Of the file."""
    au_set: ActionUnitSet
    threshold: float
    """The model's own."""
    summary: str
    """How many frames, how many with a face."""
    found: FaceTracks
    scores: list[np.ndarray]
    """``(F, N)`` of every track."""
    pictures: list[list[bytes]]
    """JPEGs of every track, of each ``step``-th of its frames."""
    step: int

    def seen_scores(self, track: int) -> np.ndarray:
        """``(F, N)`` of a track, counted from 0; NaN where the face was not found."""
        return np.where(self.found.tracks[track].face_found[:, None], self.scores[track], np.nan)

    def seconds(self, track: int) -> np.ndarray:
        """``(F,)`` from the beginning of the video."""
        return self.found.tracks[track].time - self.found.time[0]

    def picture(self, track: int, position: int) -> bytes:
        """JPEG of the face at a position in its track, or of the nearest one before that was kept."""
        return self.pictures[track][position // self.step]

    def table(self, threshold: float) -> pd.DataFrame:
        """The table of ``mdhr predict``, with that threshold for every action unit."""
        thresholds = np.full(len(self.au_set.aus), threshold)
        return make_score_table(self.name, self.found, self.scores, au_set=self.au_set, thresholds=thresholds)


def score_video(predictor: Predictor, video: Path, progress: Progress = lambda share, what: None) -> Session:
    """Score a video and keep what the page shows of it.

    Raises ``InputError`` where the video cannot be read, or shows no face.
    """
    expected = max(expected_frames(video), 1)
    prediction = predictor.predict(video, progress=_Rate(expected, progress))
    if not prediction.faces.tracks:
        raise InputError(f"{video.name}: {NO_FACE}")
    pictures, step = face_pictures(open_source(video), prediction.faces)
    return Session(
        name=video.name,
        au_set=predictor.model.au_set,
        threshold=predictor.model.description.threshold,
        summary=summarize_prediction(prediction, expected),
        found=prediction.faces,
        scores=prediction.scores,
        pictures=pictures,
        step=step,
    )


class _Rate:
    """Makes frames a second, and a share of the work, of what a predictor tells: each frame is looked at and scored."""

    def __init__(self, expected: int, progress: Progress) -> None:
        self.expected, self.progress = expected, progress
        self.stage, self.looked_at = "faces", 0
        self.begin = self.last = self.told = time.perf_counter()

    def __call__(self, stage: str, frames: int) -> None:
        now = time.perf_counter()
        if stage != self.stage:  # now it is known how many there are
            self.stage, self.begin, self.expected = stage, self.last, self.looked_at
        self.last = now
        self.looked_at = max(self.looked_at, frames)
        if now - self.told < PATIENCE:
            return
        self.told = now
        done = frames if stage == "faces" else self.looked_at + frames
        doing = "Looking for faces" if stage == "faces" else "Scoring action units"
        rate = frames / (now - self.begin)
        self.progress(min(done / (2 * self.expected), 1.0), f"{doing}: {frames} frames, {rate:.0f} frames/s")


class Background:
    """Runs a task that tells its progress in a thread of its own: iterate for the progress, then ask for the result."""

    def __init__(self, task: Callable[[Progress], Session]) -> None:
        self._latest, self._wanted = (0.0, "Loading the model"), True
        self._outcome: Future[Session] = Future()
        Thread(target=self._run, args=(task,), daemon=True).start()

    def __iter__(self) -> Iterator[tuple[float, str]]:
        """Every now and then how far it is; who stops to ask, as a page that was closed, stops the task."""
        try:
            while not self._outcome.done():
                yield self._latest
                wait([self._outcome], timeout=PATIENCE)
        finally:
            self._wanted = False

    def result(self) -> Session:
        """What the task returned, or raises what it raised."""
        return self._outcome.result()

    def _run(self, task: Callable[[Progress], Session]) -> None:
        try:
            self._outcome.set_result(task(self._tell))
        except BaseException as error:  # for whoever asks for the result
            self._outcome.set_exception(error)

    def _tell(self, share: float, what: str) -> None:
        if not self._wanted:
            raise CancelledError
        self._latest = share, what


def face_pictures(
    source: FrameSource, found: FaceTracks, *, most: int = MOST_PICTURES
) -> tuple[list[list[bytes]], int]:
    """JPEGs of the faces of every track, ``most`` in all or a few more; of each how-many-th frame of a track."""
    step = max(1, ceil(sum(len(track.time) for track in found.tracks) / most))
    pictures: list[list[bytes]] = [[] for _ in found.tracks]
    for frame, (_, image) in enumerate(source.frames()):
        for track, kept in zip(found.tracks, pictures, strict=True):
            position = frame - track.first
            if 0 <= position < len(track.time) and position % step == 0:
                box = track.crop[position] * (1, 1, WIDER, 1)
                face = np.ascontiguousarray(crop_face(image, box, PICTURE_SIZE))
                kept.append(simplejpeg.encode_jpeg(face, quality=82, colorspace="RGB"))
    return pictures, step


def find_models(places: Sequence[Path]) -> list[Path]:
    """Folders of models, in or below some places: runs with a best checkpoint, and exported ones.

    Of a place the least deep first, then by name. Raises ``InputError`` where a place is no folder.
    """
    found: list[Path] = []
    for place in places:
        if not place.is_dir():
            raise InputError(f"there is no folder {place}: give run folders, exported models, or a folder of them")
        runs = [file.parent.parent for file in place.rglob(BEST.name) if file.parent.name == BEST.parent.name]
        exported = [file.parent for file in place.rglob(CONFIG_FILE) if _has_model(file.parent)]
        found += sorted([*runs, *exported], key=lambda folder: (len(folder.parts), folder))
    return list(dict.fromkeys(found))


def describe_model(folder: Path) -> ModelDescription:
    """What describes the model of a folder, without loading it; ``InputError`` where nothing does."""
    if _has_model(folder):
        return ModelDescription.from_dict(read_config(folder / CONFIG_FILE).get("model"), where=folder / CONFIG_FILE)
    return read_run_description(folder, read_yaml(folder / SETTINGS_FILE))


def _has_model(folder: Path) -> bool:
    """Is it an exported model? Other programs, too, leave a ``config.yaml``."""
    return (folder / CONFIG_FILE).is_file() and any((folder / form.file).is_file() for form in FORMATS.values())
