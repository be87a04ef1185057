"""Draw what the weights and the graph of a trained MDHR do on one test clip: ``mdhr attention run=...``.

Everything comes from the run's folder: its settings, its best checkpoint, and which of its test videos to show.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from mdhr.batch import ClipBatch
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
from mdhr.training.run_folder import SETTINGS_FILE


def attention(cfg: DictConfig) -> Path:
    """Write the picture to ``cfg.out`` and return that path.

    Raises ``InputError`` if ``cfg.run`` is no finished run of the whole network, or if its data is gone.
    """
    run, out = Path(cfg.run), Path(cfg.out)
    network = load_network(run)
    data: FaceVideoData = instantiate(run_settings(run).data.module, _convert_="all")
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


def run_settings(run: Path) -> DictConfig:
    """The settings that a run was made with; raises ``InputError`` if there is no finished run."""
    for name in (SETTINGS_FILE, "predictions.parquet"):
        if not (run / name).is_file():
            raise InputError(f"run={run} is no finished run, it has no {name}: give a folder such as runs/demo")
    settings = OmegaConf.create(yaml.safe_load((run / SETTINGS_FILE).read_text()))
    assert isinstance(settings, DictConfig)
    return settings


def load_network(run: Path) -> MDHR:
    """Return the network of a run with its best weights.

    Raises ``InputError`` if the run is not finished or its network has no MFD or no cross-region graph.
    """
    node = run_settings(run).network
    if not node._target_.endswith(".MDHR") or not (node.use_mfd and node.use_hsr):
        raise InputError(f"run={run} has no weights of scales or no graph: give a run with network=mdhr")
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
