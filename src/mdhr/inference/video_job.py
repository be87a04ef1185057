"""All that is done with one video: score it, write its files, note that it is done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mdhr.data.video.decoding import expected_frames
from mdhr.data.video.frame_source import is_image, open_source
from mdhr.inference.output_files import NO_FACE, draw_tracks, write_annotated, write_table
from mdhr.inference.output_folder import PredictionFolder
from mdhr.inference.predictor import Prediction, Predictor
from mdhr.inference.progress_bar import FrameBar
from mdhr.inference.video_clips import Progress

WHOLE = 0.9
"""A video with a smaller share of the frames that its header speaks of may be cut short."""


@dataclass(frozen=True, kw_only=True)
class PredictionJob:
    """What is to be made of every video.

    Attributes:
        predictor: scores them.
        folder: where the files go.
        fps: frames a second to look at, see :func:`mdhr.data.video.frame_source.open_source`.
        formats: of the table, ``csv`` and ``parquet``.
        annotate: also write the video with boxes and scores drawn in.
    """

    predictor: Predictor
    folder: PredictionFolder
    fps: float | None
    formats: Sequence[str]
    annotate: bool

    def is_done(self, name: str, video: Path) -> bool:
        """Whether all of it is there."""
        kinds = [*(f".{kind}" for kind in self.formats), ".png", *(["_annotated.mp4"] if self.annotate else [])]
        return self.folder.is_done(name, video, kinds)

    def run(self, name: str, video: Path, bar: FrameBar, predict: Callable[[Progress], Prediction]) -> str:
        """Do it and say in a line what came out.

        Parameters
        ----------
        predict: scores the video, see :data:`Engine`.

        Raises ``InputError`` or ``OSError`` where the video cannot be read to its end or a file not be written.
        """
        self.folder.forget(name)
        prediction = predict(bar.update)
        out = self.folder.folder
        bar.say("writing")
        files = [out / f"{name}.{kind}" for kind in self.formats]
        for file in files:
            write_table(file, prediction.table)
        files += draw_tracks(out / f"{name}.png", self.predictor, prediction)
        if self.annotate:
            files.append(out / f"{name}_annotated.mp4")
            write_annotated(files[-1], open_source(video, fps=self.fps), self.predictor, prediction)
        seen = summary(prediction, self.expected_length(video))
        self.folder.remember(name, video, files, seen=seen)
        return f"{video}: {seen}; {', '.join(file.name for file in files)}"

    def expected_length(self, video: Path) -> int:
        """Frames that a video file or a folder of images seems to have; 0 where that is not known."""
        if video.is_dir():
            return sum(is_image(file) for file in video.iterdir())
        return expected_frames(video, fps=self.fps)


Engine = Callable[[PredictionJob, Mapping[str, Path]], Iterator[tuple[str, Callable[[Progress], Prediction]]]]
"""Says of which video the prediction is to be had next, by name, and what gives it or raises why there is none."""


def score_in_turn(
    job: PredictionJob, videos: Mapping[str, Path]
) -> Iterator[tuple[str, Callable[[Progress], Prediction]]]:
    """The plain engine: one video after the other, in this process."""
    for name, video in videos.items():
        yield name, partial(_score, job, video)


def _score(job: PredictionJob, video: Path, progress: Progress) -> Prediction:
    return job.predictor.predict(video, fps=job.fps, progress=progress)


def summary(prediction: Prediction, expected: int = 0) -> str:
    """How many frames there are and in how many somebody was seen; whether the video, by its header, is cut short."""
    num_tracks, num_frames = len(prediction.found.tracks), len(prediction.found.time)
    num_seen = prediction.table.loc[prediction.table["box_x"].notna(), "frame"].nunique()
    seen = f"a face in {num_seen} of them, {num_tracks} track{'s' * (num_tracks != 1)}" if num_tracks else NO_FACE
    short = f" (its header speaks of {expected}: it may be cut short)" if num_frames < WHOLE * expected else ""
    return f"{num_frames} frames{short}, {seen}"
