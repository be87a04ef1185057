"""Benchmark of evaluation: time outside the network (reading, resizing, normalizing, metrics)."""

import io
import tempfile
import time
from contextlib import redirect_stdout

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from lightning.pytorch import Callback

from mdhr.config.composition import CONF
from mdhr.data.prepare_data import prepare
from mdhr.training.training_run import build_trainer

SETTINGS = (
    "backbone=resnet50",
    "backbone.pretrained=false",
    "trainer=cpu",
    "logger=none",
    "callbacks=evaluation",
    "data.crop_size=224",
    "data.prepare.size=256",
    "data.prepare.num_subjects=6",
    "data.prepare.num_tasks=2",
)


class EvaluationTimer(Callback):
    """Time of the test loop and of the network, in seconds."""

    def __init__(self) -> None:
        self.total = self.network = 0.0

    def on_test_start(self, trainer, module) -> None:
        """Start the time of the test loop and register hooks for that of the network."""
        module.network.register_forward_pre_hook(lambda *_: self._add(-1))
        module.network.register_forward_hook(lambda *_: self._add(+1))
        self.total -= time.perf_counter()

    def on_test_end(self, trainer, module) -> None:
        """Stop the time of the test loop."""
        self.total += time.perf_counter()

    def _add(self, sign: int) -> None:
        self.network += sign * time.perf_counter()


def evaluation_overhead() -> tuple[float, float]:
    """Return seconds of the test loop and of the network in it: ResNet-50 at 224 px, rendered JPEGs of 256 px."""
    with tempfile.TemporaryDirectory() as folder, initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", [f"data.root={folder}/faces", f"run_dir={folder}/run", *SETTINGS])
        prepare(cfg)
        torch.manual_seed(0)
        module = instantiate(cfg.module, _convert_="all")
        trainer = build_trainer(cfg)
        timer = EvaluationTimer()
        trainer.callbacks.append(timer)  # type: ignore[attr-defined]
        with redirect_stdout(io.StringIO()):  # metrics of an untrained network
            trainer.test(module, datamodule=instantiate(cfg.data.module, _convert_="all"), verbose=False)
    return timer.total, timer.network


if __name__ == "__main__":
    total, network = evaluation_overhead()
    print(f"{total:.2f} s in total, {network:.2f} s in the network: {100 * (1 - network / total):.1f} % outside")
