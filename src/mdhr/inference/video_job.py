"""Prediction job: the steps from one video to its output files, and the sequential engine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mdhr.data.video.frame_source import open_source
from mdhr.inference.completed_videos import CompletedVideos
from mdhr.inference.interval_files import INTERVAL_WRITERS, CodedVideo
from mdhr.inference.output_files import NO_FACE, plot_tracks, write_annotated_video, write_table
from mdhr.inference.predictor import Prediction, Predictor
from mdhr.inference.progress_bar import FrameProgressBar
from mdhr.inference.video_clips import FrameProgress

MAX_TRAINED_ROLL = 40.0
"""Roll of a face in degrees beyond which the summary of a video contains a warning."""


@dataclass(frozen=True, kw_only=True)
class VideoJob:
    """Settings of a prediction job, the same for all videos.

    Attributes:
        predictor: scores the videos.
        completed: output folder with the record of completed videos.
        fps: frames per second to score; see :func:`mdhr.data.video.frame_source.open_source`.
        formats: formats of the score table, ``csv`` and ``parquet``, and of interval files, see
            :data:`mdhr.inference.interval_files.INTERVAL_WRITERS`.
        annotate: whether to write an annotated video.
    """

    predictor: Predictor
    completed: CompletedVideos
    fps: float | None
    formats: Sequence[str]
    annotate: bool

    def is_complete(self, name: str, video: Path) -> bool:
        """Whether all output files of a video exist and the video has not changed."""
        tables = [file.name for file in self._table_files(name).values()]
        suffixes = [*tables, ".png", *(["_annotated.mp4"] if self.annotate else [])]
        return self.completed.contains(name, video, suffixes)

    def run(self, name: str, video: Path, bar: FrameProgressBar, predict: Callable[[FrameProgress], Prediction]) -> str:
        """Predict one video, write its output files and return a summary line.

        Args:
            predict: returns the prediction; see :data:`Engine`.

        Raises ``InputError`` if the video cannot be read to its end or a file cannot be written; damaged input may raise
        any other exception.
        """
        prediction = predict(bar.update)
        self.completed.remove(name)
        out = self.completed.folder
        bar.set_stage("writing output files")
        tables = self._table_files(name)
        for table_format, file in tables.items():
            if table_format in INTERVAL_WRITERS:
                INTERVAL_WRITERS[table_format][1](file, CodedVideo(video, prediction))
            else:
                write_table(file, prediction.table)
        files = [*tables.values()]
        files += plot_tracks(out / f"{name}.png", self.predictor, prediction)
        if self.annotate:
            files.append(out / f"{name}_annotated.mp4")
            write_annotated_video(files[-1], open_source(video, fps=self.fps), self.predictor, prediction)
        summary = summarize_prediction(prediction)
        self.completed.add(name, video, files, summary=summary)
        return f"{video}: {summary}; {', '.join(file.name for file in files)}"

    def _table_files(self, name: str) -> dict[str, Path]:
        """Return the paths of score table and interval files by format."""
        endings = {each: INTERVAL_WRITERS[each][0] if each in INTERVAL_WRITERS else f".{each}" for each in self.formats}
        return {each: self.completed.folder / f"{name}{ending}" for each, ending in endings.items()}


Engine = Callable[[VideoJob, Mapping[str, Path]], Iterator[tuple[str, Callable[[FrameProgress], Prediction]]]]
"""Takes a job and the videos by output name. Yields names in the order of completion, each with a function that returns
the prediction or raises the error of the video."""


def predict_sequentially(
    job: VideoJob, videos: Mapping[str, Path]
) -> Iterator[tuple[str, Callable[[FrameProgress], Prediction]]]:
    """Predict the videos one after the other in this process; an :data:`Engine`."""
    for name, video in videos.items():
        yield name, partial(_predict, job, video)


def _predict(job: VideoJob, video: Path, progress: FrameProgress) -> Prediction:
    return job.predictor.predict(video, fps=job.fps, progress=progress)


def summarize_prediction(prediction: Prediction) -> str:
    """Return the numbers of frames, of frames with a face and of tracks, notes about the file and a warning as text.

    Faces that lie or are upside down are turned upright, but the network was trained on upright faces.
    """
    num_tracks, num_frames = len(prediction.faces.tracks), len(prediction.faces.time)
    num_detected = prediction.table.loc[prediction.table["box_x"].notna(), "frame"].nunique()
    faces = f"a face in {num_detected} of them, {num_tracks} track{'s' * (num_tracks != 1)}" if num_tracks else NO_FACE
    rolls = [abs((track.crop[:, 3] + 180) % 360 - 180).max() for track in prediction.faces.tracks]
    roll = max(rolls, default=0.0)
    warnings = [f"a face is rolled by up to {roll:.0f} degrees"] if roll > MAX_TRAINED_ROLL else []
    return ", ".join([f"{num_frames} frames, {faces}", *prediction.notes, *warnings])
