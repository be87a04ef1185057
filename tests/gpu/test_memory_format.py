"""Feature maps of the backbone keep the channels-last memory format."""

import pytest
import torch
from torch import nn

from mdhr.network.backbone import Backbone


@pytest.mark.parametrize(
    ("name", "source"), [("resnet10t", "stage_output"), ("swin_tiny_patch4_window7_224", "stage_input")]
)
def test_no_convolution_changes_the_memory_format(name: str, source: str, device: torch.device) -> None:
    backbone = Backbone(
        name=name, pretrained=False, weights=None, feature_source=source, drop_path_rate=0.0, input_size=64
    ).to(device)
    outputs: list[bool] = []
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, inputs, output: outputs.append(is_channels_last(output)))
    maps = backbone(torch.randn(2, 3, 64, 64, device=device))
    assert outputs
    assert all(outputs)
    assert all(is_channels_last(x) for x in (*maps.scales, maps.last))


def is_channels_last(maps: torch.Tensor) -> bool:
    return maps.is_contiguous(memory_format=torch.channels_last)
