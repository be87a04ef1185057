"""Network of the demo and a few test clips, for the notebooks."""

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
    """A network in evaluation mode with one batch of test clips."""

    network: nn.Module
    au_set: ActionUnitSet
    clips: ClipBatch
    """First clips of the test fold; frames are uint8."""
    note: str
    """Origin of the weights."""


def load_demo_network(*, data: str | Path, run: str | Path) -> DemoNetwork:
    """Return the network of ``experiment=demo`` with the best weights of ``run``, or with random weights if it has none.

    Args:
        data: folder of a prepared data set with the action units of BP4D. Frames below 128 px reduce the crop size.
        run: folder of the demo run.
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
