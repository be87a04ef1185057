"""Figure of the scale weights and the graph attention of a trained MDHR on one test clip.

Settings, weights and predictions are read from the folder of the run.
"""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig

from mdhr.batch import ClipBatch
from mdhr.config.validation import validate_recorded
from mdhr.data.data_settings import build_data
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.dataset import SequentialClips
from mdhr.data.provenance import is_rendered
from mdhr.data.transforms import normalize
from mdhr.data.video.frame_images import read_frame
from mdhr.errors import InputError
from mdhr.inference.model_loading import load_trained_run
from mdhr.network.mdhr import MDHR
from mdhr.reporting.figures.attention_figure import plot_attention
from mdhr.reporting.figures.captured_weights import CapturedWeights, capture_weights
from mdhr.reporting.figures.labeled_timeline import most_varied_video
from mdhr.reporting.figures.titled_figure import write_figure
from mdhr.training.run_folder import SETTINGS_FILE, read_settings


def write_attention_figure(cfg: DictConfig) -> Path:
    """Write the figure to ``cfg.out`` and return that path.

    Raises ``InputError`` if ``cfg.run`` is not a finished run of the complete network or if its data is missing.
    """
    run, out = Path(cfg.run), Path(cfg.out)
    network = load_network(run)
    data = build_data(read_settings(run), where=run / SETTINGS_FILE)
    video, clip = clip_with_most_changes(data, pd.read_parquet(run / "predictions.parquet"))
    valid = clip.frame >= 0  # the last clip of a video is padded
    captured = capture_weights(network, normalize(clip.frames))
    num_valid = int(valid.sum())
    positions = np.searchsorted(video.frame, clip.frame[valid].numpy())
    kind = ", rendered face" if is_rendered(data.manifest.name) else ""
    figure = plot_attention(
        CapturedWeights(**{field.name: getattr(captured, field.name)[:num_valid] for field in fields(captured)}),
        au_set=data.au_set,
        frames=np.stack([read_frame(video.paths[position], data.manifest.size) for position in positions]),
        seconds=(clip.frame[valid].numpy() - video.frame[0]) / data.manifest.fps,
        truth=clip.au[valid].numpy(),
        strides=network.backbone.strides,
        title=f"Scale weights and graph attention for an unseen subject (test video {video.name}{kind})",
        note="Orange: weight of a motion scale at each position in the dynamic feature (MFD). The predicted pattern of each "
        "region opens the edges of the graph (HSR):\nan AU attends to itself and to active AUs of other regions. This "
        "is the clip with the most label changes.",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_figure(out, figure)
    print(f"The figure is in {out}.")
    return out


def load_network(run: Path) -> MDHR:
    """Return the network of a complete run with its best weights.

    Raises ``InputError`` if the run is incomplete, or if its network is an ablated variant or a baseline.
    """
    for file in (SETTINGS_FILE, "predictions.parquet"):
        if not (run / file).is_file():
            raise InputError(f"run={run} is not a complete run: it has no {file}. Pass a folder such as runs/demo.")
    settings = read_settings(run)
    validate_recorded(settings, where=run / SETTINGS_FILE)
    node = settings["network"]
    if node.get("_target_") != "mdhr.network.mdhr.MDHR" or not (node.get("use_mfd") and node.get("use_hsr")):
        raise InputError(f"run={run} has no scale weights or no graph. Pass a run that was trained with network=mdhr.")
    network = load_trained_run(run).network
    assert isinstance(network, MDHR)
    return network


def clip_with_most_changes(data: FaceVideoData, predictions: pd.DataFrame) -> tuple:
    """Return the test video with the most varied action units and its clip with the most label changes.

    The choice does not depend on the scores.
    """
    name = most_varied_video(predictions)
    videos = [video for video in data.videos("test") if (video.subject, video.task) == name]
    segments = SequentialClips(
        videos=videos,
        au_set=data.au_set,
        size=data.manifest.size,
        crop_size=data.crop_size,
        num_frames=data.num_frames,
        stride=data.frame_stride,
    )
    clips: list[ClipBatch] = [segments[index] for index in range(len(segments))]
    changes = [int(torch.diff(clip.au[clip.frame >= 0].int(), dim=0).abs().sum()) for clip in clips]
    return videos[0], clips[int(np.argmax(changes))]
