"""A training run with ``module.compiled=true`` compiles the network once, as one graph.

In a process of its own, because the shape checks of the tests cannot be compiled.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from tests.support.paths import ROOT

CODE = """
import functools, sys, torch
from pathlib import Path
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn
from mdhr.training.trainer import build_trainer

cfg = OmegaConf.load(sys.argv[1])
if cfg.trainer.accelerator == "cpu":  # the graph is what counts; machine code for it takes a minute
    nn.Module.compile = functools.partialmethod(nn.Module.compile, backend="eager")
data, module = (instantiate(node, _convert_="all") for node in (cfg.data.module, cfg.module))
trainer = build_trainer(cfg.trainer, run=Path(cfg.run_dir), callbacks=[], loggers=[])
with torch._dynamo.config.patch(error_on_recompile=True):
    trainer.fit(module, datamodule=data)
counters = torch._dynamo.utils.counters
assert trainer.global_step == 6, trainer.global_step
assert counters["stats"]["unique_graphs"] == 1, counters
assert not counters["graph_break"], counters
"""


@pytest.mark.slow
def test_a_training_run_compiles_one_graph(
    smoke: Callable[..., DictConfig], tmp_path: Path, device: torch.device
) -> None:
    accelerator = "gpu" if device.type == "cuda" else "cpu"
    cfg = smoke(
        f"trainer.accelerator={accelerator}", "module.compiled=true", "data.batch_size=1", "trainer.max_epochs=1",
        "+trainer.limit_val_batches=0", "trainer.num_sanity_val_steps=0",
    )  # fmt: skip
    settings = tmp_path / "settings.yaml"
    settings.write_text(OmegaConf.to_yaml(cfg, resolve=True))
    done = subprocess.run([sys.executable, "-c", CODE, str(settings)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
