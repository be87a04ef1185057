"""Draw what the weights and the graph of a trained MDHR do on one test clip: ``mdhr attention run=...``.

Everything comes from the run's folder: its settings, its best checkpoint, and which of its test videos to show.
"""

from io import BytesIO
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
from mdhr.files.atomic import write_bytes
from mdhr.inference.model_loading import load_trained_run
from mdhr.network.mdhr import MDHR
from mdhr.reporting.figures.attention_figure import plot_attention
from mdhr.reporting.figures.captured_weights import capture_weights
from mdhr.reporting.figures.labeled_timeline import most_varied_video
from mdhr.training.run_folder import SETTINGS_FILE, read_settings


def attention(cfg: DictConfig) -> Path:
    """Write the picture to ``cfg.out`` and return that path.

    Raises ``InputError`` if ``cfg.run`` is no finished run of the whole network, or if its data is gone.
    """
    run, out = Path(cfg.run), Path(cfg.out)
    network = load_network(run)
    data = build_data(read_settings(run), where=run / SETTINGS_FILE)
    video, clip = clip_with_most_changes(data, pd.read_parquet(run / "predictions.parquet"))
    real = clip.frame >= 0  # the last clip of a video is padded
    inside = capture_weights(network, normalize(clip.frames))
    positions = np.searchsorted(video.frame, clip.frame[real].numpy())
    kept = int(real.sum())
    kind = ", a rendered face" if is_rendered(data.manifest.name) else ""
    figure = plot_attention(
        type(inside)(**{name: values[:kept] for name, values in vars(inside).items()}),
        au_set=data.au_set,
        frames=np.stack([read_frame(video.paths[position], data.manifest.size) for position in positions]),
        seconds=(clip.frame[real].numpy() - video.frame[0]) / data.manifest.fps,
        truth=clip.au[real].numpy(),
        strides=network.backbone.strides,
        title=f"Inside the network: one clip of somebody it never saw (test video {video.name}{kind})",
        note="Orange on the face: where motion of that scale counts most when the dynamic feature is made. Below: the "
        "patterns that the regions predict, which decide\nwhose edges in the graph are open: an action unit listens to "
        "itself and to active ones of other regions. Shown is the clip in which the most changes.",
    )
    picture = BytesIO()
    figure.savefig(picture, format="png")
    write_bytes(out, picture.getvalue())
    print(f"look at {out}")
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
    """The test video in which the most action units come and go, and its clip with the most changes of a label.

    What the network made of them plays no part.
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
