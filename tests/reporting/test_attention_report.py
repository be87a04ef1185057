"""Tests of the attention figure of a run."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pandas as pd
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from mdhr.data.datamodule import FaceVideoData
from mdhr.errors import InputError
from mdhr.reporting.attention_report import clip_with_most_changes, load_network, write_attention_figure
from mdhr.training.run_folder import SETTINGS_FILE
from mdhr.training.training_run import train


@pytest.fixture(scope="module")
def run(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished run of a tiny network on noise."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    train(compose_smoke(folder))
    return folder


def test_figure_is_written_from_the_folder_of_a_run(run: Path, tmp_path: Path) -> None:
    out = write_attention_figure(OmegaConf.create({"run": str(run), "out": str(tmp_path / "inside.png")}))
    assert cv2.imread(str(out)).shape[1] == 1400


def test_network_has_the_best_weights_of_the_run(run: Path) -> None:
    state = torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    network = load_network(run)
    assert torch.equal(network.similarity.prototypes, state["network.similarity.prototypes"])


def test_clip_with_the_most_changes_is_selected(run: Path) -> None:
    settings = OmegaConf.load(run / SETTINGS_FILE)
    data: FaceVideoData = instantiate(settings.data.module, _convert_="all")
    video, clip = clip_with_most_changes(data, pd.read_parquet(run / "predictions.parquet"))
    assert video.subject in ("F001", "M001"), "the test subjects of fold 1"
    position = {frame: i for i, frame in enumerate(video.frame.tolist())}
    real = clip.frame >= 0
    assert torch.equal(clip.au[real], torch.from_numpy(video.au[[position[f] for f in clip.frame[real].tolist()]]))


def test_unsuitable_runs_raise(run: Path, tmp_path: Path) -> None:
    cfg = OmegaConf.create({"run": str(tmp_path), "out": str(tmp_path / "inside.png")})
    with pytest.raises(InputError, match=r"is not a complete run: it has no settings.yaml. Pass a folder such as"):
        write_attention_figure(cfg)
    settings = OmegaConf.load(run / SETTINGS_FILE)
    settings.network.use_mfd = False
    OmegaConf.save(settings, tmp_path / SETTINGS_FILE)
    (tmp_path / "predictions.parquet").touch()
    with pytest.raises(
        InputError, match=r"has no scale weights or no graph. Pass a run that was trained with network=mdhr"
    ):
        write_attention_figure(cfg)
