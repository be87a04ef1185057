"""Scores on a device equal those in float64 on the CPU, within the tolerance of the precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
import torch

from mdhr.action_units import BP4D
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR

BACKBONES = [("resnet50", "stage_output"), ("swin_base_patch4_window7_224", "stage_input")]
NUM_FRAMES, SIZE = 4, 64
TOLERANCES = {"float32": 1e-4, "TF32": 5e-3, "bfloat16": 2e-2}
"""Largest difference of a score. TF32 has 10 bits of mantissa, bfloat16 has 7."""


@cache
def network_and_reference(name: str, source: str) -> tuple[MDHR, torch.Tensor, torch.Tensor]:
    """Return a network with the batch statistics of a clip, other frames, and their scores in float64."""
    torch.manual_seed(0)
    backbone = Backbone(
        name=name, pretrained=False, weights=None, feature_source=source, drop_path_rate=0.0, input_size=SIZE
    )
    network = MDHR(
        backbone=backbone, au_set=BP4D, width=None, temporal_radius=2, use_mfd=True, use_hsr=True, use_tcn=True
    )
    clips = torch.randn(2, 1, NUM_FRAMES, 3, SIZE, SIZE)
    with torch.no_grad():
        network(clips[0])
        network.eval()
        scores = network.double()(clips[1].double()).scores
    return network.float(), clips[1], scores


def largest_difference(name: str, source: str, device: torch.device, *, bfloat16: bool = False) -> float:
    """Return the largest difference between scores on the device and in float64."""
    network, frames, expected = network_and_reference(name, source)
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        scores = network.to(device)(frames.to(device)).scores
    network.to("cpu")
    return (scores.cpu() - expected).abs().max().item()


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or prevent TF32. PyTorch allows it for convolutions by default."""
    backends = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = allowed
    yield
    for backend, value in zip(backends, before, strict=True):
        backend.allow_tf32 = value


@pytest.mark.slow
@pytest.mark.parametrize(("name", "source"), BACKBONES, ids=["resnet50", "swin_base"])
def test_float32(name: str, source: str, device: torch.device) -> None:
    with tf32(False):
        assert largest_difference(name, source, device) < TOLERANCES["float32"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "source"), BACKBONES, ids=["resnet50", "swin_base"])
def test_bfloat16(name: str, source: str, device: torch.device) -> None:
    difference = largest_difference(name, source, device, bfloat16=True)
    assert TOLERANCES["float32"] < difference < TOLERANCES["bfloat16"]


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "source"), BACKBONES, ids=["resnet50", "swin_base"])
def test_tf32(name: str, source: str) -> None:
    with tf32(True):
        assert largest_difference(name, source, torch.device("cuda")) < TOLERANCES["TF32"]
