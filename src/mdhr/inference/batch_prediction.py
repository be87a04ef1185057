"""Prediction of many videos: ``mdhr predict VIDEO --out scores``, see docs/predict.md.

Completed videos are skipped, so that an interrupted command resumes. A video that cannot be scored does not stop the
others.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mdhr.data.video.frame_source import expected_length
from mdhr.data.video.input_list import VideoInputs, choose_output_names
from mdhr.data.video.webcam import record_webcam
from mdhr.errors import InputError
from mdhr.files.folder_lock import locked_folder
from mdhr.inference.progress_bar import FrameProgressBar
from mdhr.inference.video_errors import concerns_all_videos, error_line, format_traceback

if TYPE_CHECKING:
    from mdhr.inference.video_job import Engine, VideoJob


def predict(arguments: argparse.Namespace) -> int:
    """Predict all videos and return the number of failed ones.

    Args:
        arguments: parsed by ``mdhr.commands.predict``.

    Raises ``InputError`` if an argument is wrong, before any video is read.
    """
    if not arguments.videos and not arguments.list:
        raise InputError("missing argument: pass VIDEO or --list; `mdhr predict --help` lists the arguments")
    out = Path(arguments.out)
    inputs = VideoInputs(out)
    for path in arguments.videos:
        inputs.add(path)
    if arguments.list:
        inputs.add_list(Path(arguments.list))
    thresholds = parse_thresholds(arguments.threshold)

    # These imports take seconds, so that arguments are checked first.
    from mdhr.data.faces.detection import FaceDetector
    from mdhr.data.faces.mediapipe_landmarker import FaceLandmarker
    from mdhr.inference.completed_videos import CompletedVideos, weights_checksum
    from mdhr.inference.model_loading import SHIPPED_MODEL, load_model
    from mdhr.inference.predictor import Predictor
    from mdhr.inference.video_job import VideoJob, predict_sequentially

    chosen = {"min_confidence": arguments.min_confidence, "longest_side": arguments.search_size}
    make_detector = partial(
        FaceDetector if arguments.detector == "yunet" else FaceLandmarker,
        **{name: value for name, value in chosen.items() if value is not None},
    )
    detector = make_detector()
    use_ray = arguments.engine == "ray"
    device = "cpu" if use_ray else arguments.device  # each Ray worker loads its own copy of the model
    checkpoint = Path(arguments.checkpoint or SHIPPED_MODEL).expanduser()
    loading = {"precision": arguments.precision, "compiled": arguments.compile, "trusted": arguments.trusted}
    predictor = Predictor(
        load_model(checkpoint, device=device, **loading),
        detector=detector,
        overlap=arguments.overlap,
        thresholds=thresholds,
        batch_size=arguments.batch_size,
    )
    settings = {
        "model": arguments.checkpoint or "shipped with mdhr",
        "weights": weights_checksum(checkpoint),
        **predictor.model.description.as_dict(),
        "thresholds": dict(zip(predictor.model.au_set.columns, predictor.thresholds.tolist(), strict=True)),
        "precision": arguments.precision if use_ray else predictor.model.precision,  # workers choose their own
        "overlap": predictor.overlap,
        "fps": arguments.fps,
        "detector": str(detector),
    }
    engine: Engine = predict_sequentially
    if use_ray:
        from mdhr.inference.ray.engine import predict_with_ray

        engine = partial(
            predict_with_ray,
            load_model=partial(load_model, checkpoint.resolve(), device=arguments.device, **loading),
            make_detector=make_detector,
            accelerator=arguments.device != "cpu",
        )
    for note in inputs.notes:
        print(note)
    for message in inputs.errors:
        print(message, file=sys.stderr)
    with tempfile.TemporaryDirectory() as recordings, locked_folder(out, setting="--out"):
        job = VideoJob(
            predictor=predictor,
            completed=CompletedVideos(out, settings, overwrite=arguments.overwrite),
            fps=arguments.fps,
            formats=arguments.formats,
            annotate=arguments.annotate,
        )
        webcams = [record_webcam(number, Path(recordings), seconds=arguments.seconds) for number in inputs.cameras]
        names = choose_output_names([*inputs.videos, *webcams], job.completed.video_paths)
        num_failed = run_job(job, names, engine, overwrite=arguments.overwrite, debug=arguments.debug)
    if inputs.errors:
        print(f"invalid lines in {arguments.list}: {len(inputs.errors)}, see the messages above", file=sys.stderr)
    return num_failed + len(inputs.errors)


def run_job(
    job: "VideoJob", videos: Mapping[str, Path], engine: "Engine", *, overwrite: bool, debug: bool = False
) -> int:
    """Run the job for the videos by output name, print one line per video, and return the number of failed videos.

    Args:
        debug: also print the tracebacks of failed videos.

    Raises ``OutputError`` if results cannot be written, for example to a full disk.
    """
    remaining = {name: video for name, video in videos.items() if overwrite or not job.is_complete(name, video)}
    if len(remaining) < len(videos):
        num_skipped = len(videos) - len(remaining)
        print(f"{num_skipped} of {len(videos)} videos are complete and skipped; pass --overwrite to score them again")
    num_failed = 0
    with FrameProgressBar({str(video): expected_length(video, fps=job.fps) for video in remaining.values()}) as bar:
        for name, predict_video in engine(job, remaining):
            video = remaining[name]
            bar.start_video(str(video))
            try:
                bar.print(job.run(name, video, bar, predict_video))
            except Exception as error:
                if concerns_all_videos(error):
                    raise
                num_failed += 1
                bar.print(error_line(video, error), file=sys.stderr)
                if debug:
                    bar.print(format_traceback(error), file=sys.stderr)
            bar.finish_video()
    if num_failed:
        print(f"{num_failed} of {len(videos)} videos failed, see the messages above", file=sys.stderr)
    return num_failed


def parse_thresholds(values: Sequence[str]) -> float | dict[str, float] | None:
    """Return the threshold of ``["0.4"]``, those of ``["AU12=0.4", "AU4=0.3"]``, or None for an empty list.

    Raises ``InputError`` for anything else.
    """
    parts = [part.partition("=") for value in values for part in value.split(",")]
    try:
        by_name = {name.strip(): float(number) for name, equals, number in parts if equals}
        if len(by_name) == len(parts):
            return by_name or None
        if len(parts) == 1:
            return float(parts[0][0])
    except ValueError:
        pass
    raise InputError(
        f"--threshold {' '.join(values)}: expected one number, or numbers by name such as AU12=0.4,AU4=0.3"
    )
