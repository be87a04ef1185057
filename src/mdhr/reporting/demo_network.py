"""The demo's network and a few test clips, for whoever wants to look at what it does: the notebooks."""

from pathlib import Path
from typing import NamedTuple

from hydra.utils import instantiate
from torch import nn

from mdhr.action_units import ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.config.composition import compose_config
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared.manifest import read_manifest
from mdhr.inference.model_loading import load_trained_run


class DemoNetwork(NamedTuple):
    """What there is to look at."""

    network: nn.Module
    """In evaluation mode."""
    au_set: ActionUnitSet
    clips: ClipBatch
    """One batch: the first clips of the test fold, frames as the data set has them (uint8)."""
    note: str
    """Whether the network is trained."""


def load_demo_network(*, data: str | Path, run: str | Path) -> DemoNetwork:
    """The network of ``experiment=demo`` with the best weights of ``run``, or with random ones if there are none yet.

    Parameters
    ----------
    data: a prepared data set with BP4D's action units; frames smaller than the demo's are cropped smaller.
    run: folder of the demo.
    """
    size = min(128, read_manifest(data).size // 32 * 32)
    cfg = compose_config("train", ["experiment=demo", f"data.root={data}", f"data.crop_size={size}"])
    if (Path(run) / "checkpoints" / "best.ckpt").is_file():
        network, note = load_trained_run(Path(run)).network, f"weights of {run}"
    else:
        network = instantiate(cfg.module.network, _convert_="all")
        note = "random weights: run `make demo` to train the network"
    face_data: FaceVideoData = instantiate(cfg.data.module, _convert_="all")
    return DemoNetwork(network.eval(), face_data.au_set, next(iter(face_data.test_dataloader())), note)
