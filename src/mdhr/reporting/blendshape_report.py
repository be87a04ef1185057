"""Comparison of a model with MediaPipe's blendshapes on videos: ``mdhr blendshape-agreement``, see docs/blendshapes.md."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mdhr.data.faces.mediapipe_blendshapes import BlendshapeEstimator, MediaPipeBlendshapes, estimate_track
from mdhr.data.video.frame_source import expected_length, open_source
from mdhr.data.video.input_list import VideoInputs
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.folder_lock import locked_folder
from mdhr.files.text_tables import markdown_page
from mdhr.inference.model_loading import SHIPPED_MODEL, load_model
from mdhr.inference.predictor import Predictor
from mdhr.inference.progress_bar import FrameProgressBar
from mdhr.inference.video_errors import error_line
from mdhr.reporting.blendshape_agreement import (
    MIN_RANGE,
    REASONS,
    counterpart_values,
    mean_over_videos,
    measure_agreement,
)

CSV_FILE, PAGE_FILE = "agreement.csv", "agreement.md"
DISCLAIMER = "This is the agreement of two estimators, not accuracy: the videos have no ground-truth labels."


def report_agreement(arguments: argparse.Namespace) -> int:
    """Compare the model with MediaPipe on all videos, write both files and return the number of failed videos.

    Args:
        arguments: parsed by ``mdhr.commands.blendshape_agreement``.

    Raises ``InputError`` if an argument is wrong or MediaPipe is missing, before any video is read.
    """
    out = Path(arguments.out)
    videos = find_videos(arguments.videos, out)
    estimator = MediaPipeBlendshapes()
    predictor = Predictor(
        load_model(arguments.checkpoint or SHIPPED_MODEL, device=arguments.device),
        overlap=arguments.overlap,
        batch_size=arguments.batch_size,
    )
    tables = []
    lengths = {str(video): expected_length(video, fps=arguments.fps) for video in videos}
    with locked_folder(out, setting="--out"), FrameProgressBar(lengths) as bar:
        for video in videos:
            bar.start_video(str(video))
            try:
                tables.append(compare_video(video, predictor, estimator, fps=arguments.fps, bar=bar))
                bar.print(f"{video}: {summarize(tables[-1])}")
            except Exception as error:
                bar.print(error_line(video, error), file=sys.stderr)
            bar.finish_video()
        if tables:
            agreement = pd.concat(tables, ignore_index=True)
            notes = [
                f"Model: {arguments.checkpoint or 'shipped with mdhr'}, trained on {predictor.model.description.trained_on}; "
                f"overlap {predictor.overlap}.",
                f"Blendshapes: {estimator}.",
            ]
            write_text(out / CSV_FILE, agreement.round(5).to_csv(index=False))
            write_text(out / PAGE_FILE, agreement_page(agreement, notes))
            print(f"{out / CSV_FILE}, {out / PAGE_FILE}: {DISCLAIMER}")
    return len(videos) - len(tables)


def find_videos(paths: Sequence[str], out: Path) -> list[Path]:
    """Return the videos that the paths of files and folders refer to, and print what is skipped.

    Raises ``InputError`` if a path does not exist, contains no video, or is the number of a camera.
    """
    inputs = VideoInputs(out)
    for path in paths:
        inputs.add(path)
    if inputs.cameras:
        raise InputError(
            f"video {inputs.cameras[0]} does not exist. Pass paths of files or folders; record cameras first."
        )
    for note in inputs.notes:
        print(note)
    return inputs.videos


def compare_video(
    video: Path,
    predictor: Predictor,
    estimator: BlendshapeEstimator,
    *,
    fps: float | None,
    bar: FrameProgressBar,
) -> pd.DataFrame:
    """Return the agreement on the main face of a video: the track with the most detections, of several the largest.

    Columns: ``video`` and those of :func:`~mdhr.reporting.blendshape_agreement.measure_agreement`.

    Raises ``InputError`` that names the video if it cannot be read to its end.
    """
    prediction = predictor.predict(video, fps=fps, progress=bar.update)
    model = predictor.model
    scores, values = np.empty((0, len(model.au_set.aus))), np.empty((0, len(model.au_set.aus)))
    if prediction.faces.tracks:
        bar.set_stage("estimating blendshapes")
        track, track_scores = max(
            zip(prediction.faces.tracks, prediction.scores, strict=True),
            key=lambda pair: (pair[0].face_found.sum(), pair[0].box[:, 3].mean()),
        )
        estimates = estimate_track(open_source(video, fps=fps), track, estimator, fill=model.description.fill)
        scores = np.where(track.face_found[:, None], track_scores, np.nan)
        values = counterpart_values(list(estimates), model.au_set)
    table = measure_agreement(scores, values, model.au_set)
    table.insert(0, "video", str(video))
    return table


def summarize(table: pd.DataFrame) -> str:
    """Return the mean correlation and the numbers of frames and action units of one video as text."""
    num_frames, num_aus = table["frames"].max(), table["correlation"].count()
    mean = f"mean rank correlation {table['correlation'].mean():.2f}" if num_aus else "no correlation"
    return f"{num_frames} frames, {mean}, {num_aus} of {len(table)} action units"


def agreement_page(agreement: pd.DataFrame, notes: Sequence[str]) -> str:
    """Return the Markdown page: means over videos, then the correlations of each video.

    Args:
        agreement: table with one row per video and action unit, see :func:`compare_video`.
        notes: sentences about model and estimator.
    """
    means = mean_over_videos(agreement)
    overall = means["correlation"].mean()
    means["correlation"] = means["correlation"].map(_cell)
    is_above = agreement["correlation"] > agreement["chance"]
    cells = agreement["correlation"].map(_cell).mask(is_above, lambda cell: "**" + cell + "**")
    by_video = agreement.assign(cell=cells).pivot(index="video", columns="au", values="cell")
    by_video = by_video[means["au"].tolist()].loc[agreement["video"].unique()].reset_index()
    by_video["video"] = by_video["video"].str.replace("|", r"\|")
    return markdown_page(
        DISCLAIMER,
        means.rename(columns={"au": "action unit", "correlation": "mean correlation"}),
        f"Mean over action units: {_cell(overall)}.",
        by_video,
        title="Agreement with MediaPipe's blendshapes",
        notes=[
            *notes,
            "Correlation: Spearman's rank correlation over the frames in which both found the main face of the video.",
            f"Columns `{'`, `'.join(REASONS)}`: numbers of videos without a correlation. A blendshape with a range below "
            f"{MIN_RANGE} cannot rank frames.",
            "`above chance`, bold: correlations that scores shifted in time against the blendshapes rarely reach. "
            "A short video, or one with few movements, has a high chance level.",
        ],
    )


def _cell(correlation: float) -> str:
    return "-" if pd.isna(correlation) else f"{correlation:.2f}"
