"""The Ray engine of ``mdhr predict``: many videos at once, on the cores of a machine or the nodes of a cluster.

A Ray Data pipeline of two stages: a video becomes batches of clips, and the pixels of clips become scores. Its blocks
hold a few batches each, so that memory does not grow with a video, and several nodes may score one. With an accelerator
the stages are processes of their own; without, Ray runs both in one. What comes out is put together by whoever started
it as soon as all of a video is there: a grouping by video would hold back every result to the very end.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mdhr.data.faces.detection import Detector
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.video.frame_source import open_source
from mdhr.errors import InputError
from mdhr.inference.clip_stream import CroppedClips, Place
from mdhr.inference.model import Model
from mdhr.inference.predictor import Prediction, Predictor
from mdhr.inference.ray.cluster import running_ray
from mdhr.inference.video_clips import FrameScores, Progress, VideoClips
from mdhr.inference.video_job import PredictionJob

BLOCK = 32 << 20
"""Bytes of clips that leave their process together, at least one batch."""

Row = Mapping[str, Any]


class _Scored(NamedTuple):
    places: list[Place]
    scores: np.ndarray
    """``(B, T, N)`` of the clips from these B places."""


class _End(NamedTuple):
    """All of a video is cut."""

    found: FaceTracks
    pictures: list[np.ndarray]


class _Part(NamedTuple):
    """A piece of a video on its way through the pipeline."""

    name: str
    number: int
    """From 0; that of the last part is the number of batches."""
    content: CroppedClips | _Scored | _End | InputError | OSError


def score_with_ray(
    job: PredictionJob,
    videos: Mapping[str, Path],
    *,
    load_model: Callable[[], Model],
    make_detector: Callable[[], Detector],
    accelerator: bool,
) -> Iterator[tuple[str, Callable[[Progress], Prediction]]]:
    """Names of videos in the order in which they are done, and what gives the prediction or raises what went wrong.

    Parameters
    ----------
    load_model, make_detector: called in the processes of Ray, maybe on another node.
    accelerator: score on the GPUs that Ray knows of, if there is one.

    Raises ``InputError`` where Ray is not there, or a process cannot load the model.
    """
    if not videos:
        return
    waiting: dict[str, list[_Part]] = {name: [] for name in videos}
    with running_ray() as ray:
        try:
            for part in _stream(ray, job, videos, load_model, make_detector, accelerator=accelerator):
                if part.name not in waiting:  # a batch of a broken video, which has been told of
                    continue
                waiting[part.name].append(part)
                if _is_whole(waiting[part.name]):
                    parts = sorted(waiting.pop(part.name), key=lambda each: each.number)
                    yield part.name, partial(_put_together, job.predictor, videos[part.name], parts)
        except ray.exceptions.RayError as error:
            _, ours, line = str(error).rpartition(f"{InputError.__module__}.{InputError.__qualname__}: ")
            if ours:
                raise InputError(line.splitlines()[0]) from error
            raise


def _stream(
    ray: Any,
    job: PredictionJob,
    videos: Mapping[str, Path],
    load_model: Callable[[], Model],
    make_detector: Callable[[], Detector],
    *,
    accelerator: bool,
) -> Iterator[_Part]:
    """The parts of all videos, scored, in any order."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = BLOCK
    there = ray.cluster_resources()
    num_gpus = int(there.get("GPU", 0)) if accelerator else 0
    most = min(num_gpus or max(1, int(there.get("CPU", 1))), len(videos))
    predictor = job.predictor
    cutting = {
        "make_detector": make_detector,
        "fps": job.fps,
        "description": predictor.model.description,
        "overlap": predictor.overlap,
        "batch_size": predictor.batch_size,
    }
    items = [{"name": name, "video": str(video.resolve())} for name, video in videos.items()]
    scored = (
        ray.data.from_items(items, override_num_blocks=len(items))
        .map_batches(_cut, batch_size=1, fn_kwargs=cutting, num_cpus=1)
        .map_batches(
            _Scoring,
            batch_size=1,
            fn_constructor_args=[load_model],
            concurrency=(1, most, most),  # least, most, at first
            **({"num_gpus": 1} if num_gpus else {"num_cpus": 1}),
        )
    )
    for block in scored.iter_batches(batch_size=None, prefetch_batches=0):
        yield from map(pickle.loads, block["part"])  # of our own processes


def _cut(
    row: Row, *, make_detector: Callable[[], Detector], fps: float | None, **settings: Any
) -> Iterator[dict[str, np.ndarray]]:
    """The clips of one video; where it is broken, that is its last part and no failure of the pipeline.

    Parameters
    ----------
    settings: of :class:`VideoClips`.
    """
    name, number = str(row["name"][0]), 0
    try:
        clips = VideoClips(open_source(str(row["video"][0]), fps=fps), detector=make_detector(), **settings)
        for batch in clips.batches():
            yield _row(_Part(name, number, batch))
            number += 1
        yield _row(_Part(name, number, _End(clips.found, clips.pictures())))
    except (InputError, OSError) as error:
        yield _row(_Part(name, number, error))


class _Scoring:
    """A process that has the model."""

    def __init__(self, load_model: Callable[[], Model]) -> None:
        self._model = load_model()

    def __call__(self, row: Row) -> dict[str, np.ndarray]:
        """Pixels become scores; what has none passes."""
        part: _Part = pickle.loads(row["part"][0])
        if isinstance(part.content, CroppedClips):
            part = part._replace(content=_Scored(part.content.places, self._model.score(part.content.clips)))
        return _row(part)


def _row(part: _Part) -> dict[str, np.ndarray]:
    return {"part": np.array([pickle.dumps(part, protocol=5)], dtype=object)}


def _is_whole(parts: list[_Part]) -> bool:
    """Whether all batches of a video are there, or it is known to be broken."""
    last = next((part for part in parts if not isinstance(part.content, _Scored)), None)
    return last is not None and (isinstance(last.content, Exception) or len(parts) == last.number + 1)


def _put_together(predictor: Predictor, video: Path, parts: list[_Part], progress: Progress) -> Prediction:
    """What comes out of a video; raises what is wrong with it."""
    end = next(part.content for part in parts if not isinstance(part.content, _Scored))
    if isinstance(end, Exception):
        raise end
    assert isinstance(end, _End)
    progress("faces", len(end.found.time))
    scores = FrameScores(end.found, len(predictor.thresholds))
    for part in parts:
        if isinstance(part.content, _Scored):
            scores.add(part.content.places, part.content.scores)
    progress("scores", len(end.found.time))
    return predictor.put_together(video, end.found, scores, end.pictures)
