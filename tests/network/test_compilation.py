"""Compilation: one graph without breaks, and no second compilation for equal shapes.

In a process of its own, because the shape checks of the tests cannot be compiled.
"""

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

CODE = """
import torch
from mdhr.action_units import BP4D
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR

backbone = Backbone(
    name="{name}", pretrained=False, weights=None, feature_source="{source}", drop_path_rate=0.0, input_size=64,
    activation_checkpointing={activation_checkpointing},
)
network = MDHR(
    backbone=backbone, au_set=BP4D, width=32, temporal_radius=2, use_mfd=True, use_hsr=True, use_tcn=True
)
compiled = torch.compile(network, backend="eager", fullgraph=True)
with torch._dynamo.config.patch(error_on_recompile=True):
    for _ in range(3):
        output = compiled(torch.randn(2, 4, 3, 64, 64))
        (output.scores.sum() + sum(logits.sum() for logits in output.region_logits)).backward()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "source", "activation_checkpointing"),
    [
        ("resnet10t", "stage_output", False),
        ("resnet10t", "stage_output", True),
        ("swin_tiny_patch4_window7_224", "stage_input", False),
    ],
)
def test_a_training_step_is_one_graph(name: str, source: str, activation_checkpointing: bool) -> None:
    code = CODE.format(name=name, source=source, activation_checkpointing=activation_checkpointing)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
