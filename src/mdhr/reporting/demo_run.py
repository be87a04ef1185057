"""Everything in one run: ``make demo``, or ``mdhr demo [video=my.mp4] [any.setting=value]``.

Renders faces, trains, tests on people the network never saw, draws one test video, and scores a real one. What is
there already is used: an interrupted demo goes on where it was, a finished one takes seconds.
"""

import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, open_dict
from rich.console import Console

from mdhr.config.signals import Interrupted, stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.prepare_data import prepare
from mdhr.data.prepared.manifest import DESCRIPTION
from mdhr.errors import InputError
from mdhr.reporting.figures.labeled_timeline import plot_test_video, score_real_video, scores_and_labels
from mdhr.training.callbacks.metrics_printer import metrics_table
from mdhr.training.elapsed_time import stopwatch
from mdhr.training.metrics import action_unit_metrics
from mdhr.training.run_folder import run_state
from mdhr.training.run_record import METRICS_FILE
from mdhr.training.training_run import train


def demo(cfg: DictConfig) -> dict[str, Any]:
    """Do what is still to be done and return what ``metrics.json`` in ``cfg.run_dir`` says.

    Raises ``InputError`` for a wrong setting or video, or if the folder holds a run with other settings.
    """
    with open_dict(cfg):
        video = cfg.pop("video")
    if video is not None and not Path(video).is_file():
        raise InputError(f"there is no video {video}: give the path of one, or none at all")
    validate(cfg)
    run = Path(cfg.run_dir)
    run_state(cfg)  # refuses a folder with other settings, before anything is rendered
    try:
        with stop_on_signals():
            render(cfg)
            record = train_and_test(cfg, run)
            plot_test_video(cfg, run)
            seen = score_real_video(cfg, run, video)
    except Interrupted as stop:
        stop.message = f"stopped by {signal.Signals(stop.signum).name}; the same command goes on from here"
        raise
    print(summary(record, run), seen, sep="\n")
    return record


def render(cfg: DictConfig) -> None:
    """Render the data set, or make sure that what is there has these settings."""
    root = Path(cfg.data.root)
    with nullcontext() if (root / DESCRIPTION).is_file() else stopwatch(root, "render"):
        prepare(cfg)


def train_and_test(cfg: DictConfig, run: Path) -> dict[str, Any]:
    """Train and test unless the run is complete; print the table of the test and return the record of the run."""
    complete = run_state(cfg) == "complete"
    record = train(cfg)
    if complete:
        print_table(cfg, run)
    return record


def print_table(cfg: DictConfig, run: Path) -> None:
    """The test's table again, from the scores that it left."""
    predictions = pd.read_parquet(run / "predictions.parquet")
    scores, labels = (torch.tensor(values) for values in scores_and_labels(predictions))
    metrics = action_unit_metrics(scores, labels, threshold=cfg.module.threshold)
    columns = instantiate(cfg.data.au_set).columns
    Console(width=100).print(metrics_table(metrics, columns, title="test"))


def summary(record: dict[str, Any], run: Path) -> str:
    """The few lines that a person reads last."""
    seconds = ", ".join(f"{what} {'?' if s is None else f'{s:.0f}'} s" for what, s in record["seconds"].items())
    return (
        f"people it never saw, {record['num_test_frames']} frames, protocol {record['protocol']}, "
        f"threshold {record['threshold']:g}: mean F1 {record['f1_mean']:.3f} "
        f"(always on {record['baseline_f1_mean']:.3f}), mean AUC {record['auc_mean']:.3f}\n"
        f"{record.get('note', record['data'])}\n"
        f"{seconds}\n"
        f"look at {run / 'timeline.png'}; numbers: {run / METRICS_FILE}; every score: {run / 'predictions.parquet'}"
    )
