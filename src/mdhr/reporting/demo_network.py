"""The demo's network and a few test clips, for whoever wants to look at what it does: the notebooks."""

from pathlib import Path
from typing import NamedTuple

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from mdhr.batch import ClipBatch
from mdhr.config.composition import CONF
from mdhr.data.prepared.manifest import read_manifest
from mdhr.training.checkpoint_file import load_module
from mdhr.training.module import ActionUnitModule


class DemoNetwork(NamedTuple):
    """What there is to look at."""

    module: ActionUnitModule
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
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", ["experiment=demo", f"data.root={data}", f"data.crop_size={size}"])
    checkpoint = Path(run) / "checkpoints" / "best.ckpt"
    trained = checkpoint.is_file()
    module = load_module(cfg, checkpoint) if trained else instantiate(cfg.module, _convert_="all")
    clips = next(iter(instantiate(cfg.data.module, _convert_="all").test_dataloader()))
    return DemoNetwork(
        module.eval(), clips, f"weights of {run}" if trained else "random weights: `make demo` trains it"
    )
