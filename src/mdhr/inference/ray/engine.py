"""Ray engine of ``mdhr predict``: many videos in parallel, on the cores of a machine or the nodes of a cluster.

A Ray Data pipeline of two stages: the first converts a video to batches of clips, the second converts clips to scores.
Blocks contain a few batches, so that memory does not grow with the length of a video, and several nodes may score one
video. With an accelerator the stages run in separate processes; without, Ray fuses them. The calling process assembles
the prediction of a video as soon as its batches are complete; a group-by stage would delay all results to the end.
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
from mdhr.inference.clip_cropping import ClipFrames, CroppedClips
from mdhr.inference.model import Model
from mdhr.inference.predictor import Prediction, Predictor
from mdhr.inference.ray.cluster import ray_session
from mdhr.inference.score_averaging import ClipScores
from mdhr.inference.video_clips import FrameProgress, VideoClips
from mdhr.inference.video_errors import as_input_error
from mdhr.inference.video_job import VideoJob

MAX_BLOCK_SIZE = 32 << 20
"""Bytes of clips that are sent to another process together, at least one batch."""

Row = Mapping[str, Any]


class _ScoredClips(NamedTuple):
    frames: list[ClipFrames]
    scores: np.ndarray
    """``(B, T, N)``."""


class _VideoEnd(NamedTuple):
    """Marks that all clips of a video have been cropped."""

    faces: FaceTracks
    thumbnails: list[np.ndarray]
    notes: list[str]


class _Part(NamedTuple):
    """Part of a video in the pipeline."""

    name: str
    """Output name of the video."""
    number: int
    """Index of the batch; the number of batches in the last part."""
    content: CroppedClips | _ScoredClips | _VideoEnd | InputError


def predict_with_ray(
    job: VideoJob,
    videos: Mapping[str, Path],
    *,
    load_model: Callable[[], Model],
    make_detector: Callable[[], Detector],
    accelerator: bool,
) -> Iterator[tuple[str, Callable[[FrameProgress], Prediction]]]:
    """Predict the videos in parallel; an :data:`~mdhr.inference.video_job.Engine` after ``functools.partial``.

    Args:
        load_model, make_detector: called in the worker processes of Ray, possibly on another node.
        accelerator: use the GPUs of the Ray cluster, if there are any.

    Raises ``InputError`` if Ray is not available or a worker cannot load the model.
    """
    if not videos:
        return
    incomplete: dict[str, list[_Part]] = {name: [] for name in videos}
    with ray_session() as ray:
        try:
            for part in _run_pipeline(ray, job, videos, load_model, make_detector, accelerator=accelerator):
                if part.name not in incomplete:  # late batch of a video whose error has been reported
                    continue
                incomplete[part.name].append(part)
                if _is_complete(incomplete[part.name]):
                    parts = sorted(incomplete.pop(part.name), key=lambda each: each.number)
                    yield part.name, partial(_assemble, job.predictor, videos[part.name], parts)
        except ray.exceptions.RayError as error:
            _, is_input_error, message = str(error).rpartition(f"{InputError.__module__}.{InputError.__qualname__}: ")
            if is_input_error:
                raise InputError(message.splitlines()[0]) from error
            raise


def _run_pipeline(
    ray: Any,
    job: VideoJob,
    videos: Mapping[str, Path],
    load_model: Callable[[], Model],
    make_detector: Callable[[], Detector],
    *,
    accelerator: bool,
) -> Iterator[_Part]:
    """Yield the scored parts of all videos in any order."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = MAX_BLOCK_SIZE
    resources = ray.cluster_resources()
    num_gpus = int(resources.get("GPU", 0)) if accelerator else 0
    max_workers = min(num_gpus or max(1, int(resources.get("CPU", 1))), len(videos))
    predictor = job.predictor
    crop_settings = {
        "make_detector": make_detector,
        "fps": job.fps,
        "description": predictor.model.description,
        "overlap": predictor.overlap,
        "batch_size": predictor.batch_size,
    }
    items = [{"name": name, "video": str(video.resolve())} for name, video in videos.items()]
    scored = (
        ray.data.from_items(items, override_num_blocks=len(items))
        .map_batches(_crop_video, batch_size=1, fn_kwargs=crop_settings, num_cpus=1)
        .map_batches(
            _ScoringWorker,
            batch_size=1,
            fn_constructor_args=[load_model, videos],
            concurrency=(1, max_workers, max_workers),  # minimum, maximum, initial
            **({"num_gpus": 1} if num_gpus else {"num_cpus": 1}),
        )
    )
    for block in scored.iter_batches(batch_size=None, prefetch_batches=0):
        yield from map(pickle.loads, block["part"])  # safe: pickled by the workers of this pipeline


def _crop_video(
    row: Row, *, make_detector: Callable[[], Detector], fps: float | None, **settings: Any
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the clips of one video, then its face tracks.

    A video that cannot be read ends with its error as a part, because an exception would stop the pipeline.

    Args:
        settings: arguments of :class:`VideoClips`.
    """
    name, video, number = str(row["name"][0]), Path(str(row["video"][0])), 0
    try:
        source = open_source(video, fps=fps)
        clips = VideoClips(source, detector=make_detector(), **settings)
        for batch in clips.batches():
            yield _to_row(_Part(name, number, batch))
            number += 1
        faces = clips.faces()
        yield _to_row(_Part(name, number, _VideoEnd(faces, clips.thumbnails(faces), list(source.notes))))
    except Exception as error:
        yield _to_row(_Part(name, number, as_input_error(video, error)))


class _ScoringWorker:
    """Worker process with a copy of the model; ``videos`` are paths by output name, for error messages."""

    def __init__(self, load_model: Callable[[], Model], videos: Mapping[str, Path]) -> None:
        self._model, self._videos = load_model(), videos

    def __call__(self, row: Row) -> dict[str, np.ndarray]:
        """Replace the clips of a part by their scores; parts without clips are unchanged."""
        part: _Part = pickle.loads(row["part"][0])
        if isinstance(part.content, CroppedClips):
            try:
                part = part._replace(content=_ScoredClips(part.content.frames, self._model.score(part.content.clips)))
            except Exception as error:
                part = part._replace(content=as_input_error(self._videos[part.name], error))
        return _to_row(part)


def _to_row(part: _Part) -> dict[str, np.ndarray]:
    return {"part": np.array([pickle.dumps(part, protocol=5)], dtype=object)}


def _is_complete(parts: list[_Part]) -> bool:
    """Whether all parts of a video have arrived, or its error."""
    last = next((part for part in parts if not isinstance(part.content, _ScoredClips)), None)
    return last is not None and (isinstance(last.content, Exception) or len(parts) == last.number + 1)


def _assemble(predictor: Predictor, video: Path, parts: list[_Part], progress: FrameProgress) -> Prediction:
    """Return the prediction of a video, or raise its error."""
    end = next(part.content for part in parts if not isinstance(part.content, _ScoredClips))
    if isinstance(end, Exception):
        raise end
    assert isinstance(end, _VideoEnd)
    scores = ClipScores(len(predictor.thresholds))
    for part in parts:
        if isinstance(part.content, _ScoredClips):
            scores.add(part.content.frames, part.content.scores)
    progress(len(end.faces.time))
    return predictor.assemble(video, end.faces, scores, end.thumbnails, end.notes)
