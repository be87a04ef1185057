"""The demo: render faces, train, test on unseen subjects, plot one test video and score a real one.

The real video is scored with the shipped model, which was trained longer and on more faces.

Existing results are reused and an interrupted demo resumes.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, open_dict
from rich.console import Console

from mdhr.config.signals import Interrupted, stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.prepare_data import prepare
from mdhr.data.prepared.manifest import DESCRIPTION
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.errors import InputError
from mdhr.inference.model_loading import SHIPPED_MODEL, load_model
from mdhr.inference.output_files import plot_track, write_table
from mdhr.inference.predictor import Predictor
from mdhr.inference.video_job import summarize_prediction
from mdhr.reporting.figures.labeled_timeline import plot_labeled_video
from mdhr.reporting.people_metrics import people_metrics, subject_group
from mdhr.synthetic.video_plan import NUM_FOLDS
from mdhr.training.callbacks.metrics_printer import metrics_table
from mdhr.training.elapsed_time import stopwatch
from mdhr.training.frame_scores import scores_and_labels
from mdhr.training.metrics import action_unit_metrics
from mdhr.training.run_folder import run_state
from mdhr.training.run_record import METRICS_FILE, read_record
from mdhr.training.training_run import train


def run_demo(cfg: DictConfig) -> dict[str, Any]:
    """Run the remaining steps of the demo and return the record in ``metrics.json``.

    Raises ``InputError`` if a setting or the video is invalid, or if ``cfg.run_dir`` contains a run with other settings.
    """
    with open_dict(cfg):
        video = cfg.pop("video")
    if video is not None and not Path(video).is_file():
        raise InputError(f"video: file '{video}' does not exist. Pass the path of a video, or omit video.")
    validate(cfg)
    if cfg.data.fold > NUM_FOLDS:  # before anything is rendered
        raise InputError(f"data.fold={cfg.data.fold} does not exist in rendered data: expected 1 to {NUM_FOLDS}.")
    run = Path(cfg.run_dir)
    run_state(cfg)  # raises for a folder with other settings before anything is rendered
    try:
        with stop_on_signals():
            render(cfg)
            record = train_and_test(cfg, run)
            plot_test_video(cfg, run)
            real_video = score_real_video(cfg, run, video)
    except Interrupted as stop:
        stop.message = f"{Interrupted(stop.signum).message}; run the same command to resume"
        raise
    print(summary(record, run), *group_lines(run, record["threshold"]), real_video, sep="\n")
    return record


def render(cfg: DictConfig) -> None:
    """Render the data set, or check that the existing one has the same settings."""
    root = Path(cfg.data.root)
    with nullcontext() if (root / DESCRIPTION).is_file() else stopwatch(root, "render"):
        prepare(cfg)


def train_and_test(cfg: DictConfig, run: Path) -> dict[str, Any]:
    """Train and test unless the run is complete; print the table of the test and return the record of the run."""
    complete = run_state(cfg) == "complete"
    record = train(cfg)
    if complete:
        print_test_metrics(cfg, run)
    return record


def print_test_metrics(cfg: DictConfig, run: Path) -> None:
    """Print the metrics of a complete run, computed from its ``predictions.parquet``."""
    predictions = pd.read_parquet(run / "predictions.parquet")
    scores, labels = (torch.tensor(values) for values in scores_and_labels(predictions))
    metrics = action_unit_metrics(scores, labels, threshold=read_record(run)["threshold"])
    columns = instantiate(cfg.data.au_set).columns
    Console(width=100).print(metrics_table(metrics, columns, title="test"))


def plot_test_video(cfg: DictConfig, run: Path) -> None:
    """Write ``timeline.png`` of one test video."""
    plot_labeled_video(
        run / "timeline.png",
        data=instantiate(cfg.data.module, _convert_="all"),
        predictions=pd.read_parquet(run / "predictions.parquet"),
        threshold=read_record(run)["threshold"],
        with_frames=True,
    )


def score_real_video(cfg: DictConfig, run: Path, video: str | None) -> str:
    """Score a real video, by default the sample clip, and return the lines for the summary.

    Writes ``video_scores.csv`` and ``video_timeline.png``. Without network access the sample clip is skipped.
    """
    try:
        path = Path(video) if video else fetch_sample_video(Path(cfg.data.root).parent / "sample_video")
    except InputError as error:
        return f"Real video:  not scored ({error})"
    predictor = Predictor(load_model(SHIPPED_MODEL), batch_size=cfg.data.batch_size)
    prediction = predictor.predict(path)
    write_table(run / "video_scores.csv", prediction.table)
    longest = max(range(len(prediction.scores)), key=lambda track: len(prediction.scores[track]), default=None)
    plot_track(run / "video_timeline.png", predictor, prediction, longest)
    return (
        f"Real video:  {path.name}: {summarize_prediction(prediction)}\n"
        f"             {run / 'video_timeline.png'}, {run / 'video_scores.csv'}\n"
        "             Scores of the shipped model, which has seen rendered faces only: estimates without ground truth."
    )


def group_lines(run: Path, threshold: float) -> list[str]:
    """Return one line per head model with the results on its unseen subjects; empty if there is one head model."""
    predictions = pd.read_parquet(run / "predictions.parquet")
    groups = predictions["subject"].astype(str).map(subject_group)
    if groups.nunique() == 1:
        return []
    lines = []
    for name, own in predictions.groupby(groups):
        found = people_metrics(own, threshold=threshold)
        low, high = found.auc_interval
        lines.append(
            f"{f'Head {name}:':12} {found.num_people} unseen subjects, mean F1 {np.nanmean(found.f1):.3f} (always positive "
            f"{np.nanmean(found.always_positive_f1):.3f}), mean AUC {np.nanmean(found.auc):.3f} ({low:.3f} to {high:.3f})"
        )
    return lines


def summary(record: dict[str, Any], run: Path) -> str:
    """Return the summary that is printed at the end."""
    seconds = ", ".join(f"{step} {'?' if s is None else f'{s:.0f}'} s" for step, s in record["seconds"].items())
    return (
        f"\nTest:        mean F1 {record['f1_mean']:.3f} (always-positive baseline {record['baseline_f1_mean']:.3f}), "
        f"mean AUC {record['auc_mean']:.3f}\n"
        f"             {record['num_test_frames']} frames of unseen subjects, protocol {record['protocol']}, "
        f"threshold {record['threshold']:g}\n"
        f"Data:        {record.get('note', record['data'])}\n"
        f"Time:        {seconds}\n"
        f"Test video:  {run / 'timeline.png'}\n"
        f"Files:       {run / METRICS_FILE}, {run / 'predictions.parquet'}"
    )
