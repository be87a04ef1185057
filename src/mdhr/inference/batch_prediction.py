"""Score videos with a trained network: ``mdhr predict VIDEO... --checkpoint runs/demo --out scores`` (docs/predict.md).

Goes on where it was stopped: what is done with the same settings is left as it is. Exit status: 1 where a video could
not be scored (the others are all the same), 2 for a wrong input, 130 for Ctrl-C.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mdhr.data.video.input_list import choose_output_names, list_videos
from mdhr.data.video.webcam import record_webcam
from mdhr.errors import InputError
from mdhr.inference.progress_bar import FrameBar

if TYPE_CHECKING:
    from mdhr.inference.video_job import Engine, PredictionJob


def predict(arguments: argparse.Namespace) -> int:
    """Score all videos and return how many could not be.

    Raises ``InputError`` for a wrong argument, before any video is scored.
    """
    named = [*arguments.videos, *(read_list(Path(arguments.list)) if arguments.list else [])]
    if not named:
        raise InputError(
            "the following arguments are required: VIDEO or --list; mdhr predict --help lists what there is"
        )
    cameras = [name for name in named if name.isdecimal() and not Path(name).exists()]
    out = Path(arguments.out)
    videos = list_videos([Path(name) for name in named if name not in cameras], output_folder=out)
    thresholds = choose_thresholds(arguments.threshold)

    # Here, as they take seconds to load: a wrong argument is told at once.
    from mdhr.data.faces.detection import FaceDetector
    from mdhr.data.faces.mediapipe_landmarker import FaceLandmarker
    from mdhr.inference.model_loading import load_model
    from mdhr.inference.output_folder import PredictionFolder, weights_checksum
    from mdhr.inference.predictor import Predictor
    from mdhr.inference.video_job import PredictionJob, score_in_turn

    make_detector = FaceDetector if arguments.detector == "yuface" else FaceLandmarker
    detector = make_detector()
    ray = arguments.engine == "ray"
    device = "cpu" if ray else arguments.device  # each Ray worker loads its own copy of the model
    predictor = Predictor(
        load_model(arguments.checkpoint, device=device, trusted=arguments.trusted),
        detector=detector,
        overlap=arguments.overlap,
        thresholds=thresholds,
        batch_size=arguments.batch_size,
    )
    settings = {
        "model": str(arguments.checkpoint),
        "weights": weights_checksum(Path(arguments.checkpoint)),
        **predictor.model.description.as_dict(),
        "thresholds": dict(zip(predictor.model.au_set.columns, predictor.thresholds.tolist(), strict=True)),
        "overlap": arguments.overlap,
        "fps": arguments.fps,
        "detector": str(detector),
    }
    folder = PredictionFolder(out, settings, overwrite=arguments.overwrite)
    job = PredictionJob(
        predictor=predictor, folder=folder, fps=arguments.fps, formats=arguments.formats, annotate=arguments.annotate
    )
    engine: Engine = score_in_turn
    if ray:
        from mdhr.inference.ray.engine import score_with_ray

        checkpoint = Path(arguments.checkpoint).expanduser().resolve()
        engine = partial(
            score_with_ray,
            load_model=partial(load_model, checkpoint, device=arguments.device, trusted=arguments.trusted),
            make_detector=make_detector,
            accelerator=arguments.device != "cpu",
        )
    with tempfile.TemporaryDirectory() as recordings:
        videos += [record_webcam(int(name), Path(recordings), seconds=arguments.seconds) for name in cameras]
        return run_all(job, choose_output_names(videos, folder.taken), engine, overwrite=arguments.overwrite)


def run_all(job: "PredictionJob", videos: Mapping[str, Path], engine: "Engine", *, overwrite: bool) -> int:
    """Do the job for every video of that name and say in a line each what came out; how many could not be done."""
    waiting = {name: video for name, video in videos.items() if overwrite or not job.is_done(name, video)}
    if len(waiting) < len(videos):
        print(f"{len(videos) - len(waiting)} of {len(videos)} videos are done already; --overwrite does them again")
    num_failed = 0
    with FrameBar({str(video): job.expected_length(video) for video in waiting.values()}) as bar:
        for name, predict_it in engine(job, waiting):
            video = waiting[name]
            bar.begin(str(video))
            try:
                bar.print(job.run(name, video, bar, predict_it))
            except InputError as error:
                num_failed += 1
                bar.print(str(error), file=sys.stderr)
            except OSError as error:
                num_failed += 1
                bar.print(f"cannot score {video}: {error.strerror or error}", file=sys.stderr)
            bar.end()
    if num_failed:
        print(f"{num_failed} of {len(videos)} videos could not be scored, see above", file=sys.stderr)
    return num_failed


def read_list(path: Path) -> list[str]:
    """The paths of videos in a text file, one a line; ``InputError`` where it cannot be read or names none."""
    wanted = "give a text file with the path of a video in every line"
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--list {path} cannot be read: {wanted}") from error
    if not any(lines):
        raise InputError(f"--list {path} names no video: {wanted}")
    return [line for line in lines if line]


def choose_thresholds(given: Sequence[str]) -> float | dict[str, float] | None:
    """Of ``["0.4"]`` or ``["AU12=0.4", "AU4=0.3"]``; None of nothing. Raises ``InputError`` for anything else."""
    named = [each.partition("=") for text in given for each in text.split(",")]
    try:
        values = {name.strip(): float(value) for name, equals, value in named if equals}
        if len(values) == len(named):
            return values or None
        if len(named) == 1:
            return float(named[0][0])
    except ValueError:
        pass
    raise InputError(f"--threshold {' '.join(given)}: say one number, or numbers by name such as AU12=0.4,AU4=0.3")
