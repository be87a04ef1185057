"""Networks with folded batch normalization give the same scores."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mdhr.action_units import BP4D
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR
from mdhr.network.optimization.batch_norm_folding import fold_batch_norm


def network(name: str) -> MDHR:
    """Return a network whose batch statistics differ from their initial values."""
    torch.manual_seed(0)
    backbone = Backbone(
        name=name, pretrained=False, weights=None, feature_source="stage_output", drop_path_rate=0.0, input_size=64
    )
    model = MDHR(backbone=backbone, au_set=BP4D, width=32, temporal_radius=2, use_mfd=True, use_hsr=True, use_tcn=True)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            nn.init.uniform_(parameter, 0.5, 1.5)
    model(torch.randn(2, 4, 3, 64, 64))
    return model


@pytest.mark.parametrize("name", ["resnet10t", "resnetv2_50", "mobilenetv3_small_050", "swin_tiny_patch4_window7_224"])
def test_scores_are_equal(name: str) -> None:
    model = network(name).eval()
    clips = torch.randn(2, 4, 3, 64, 64)
    with torch.inference_mode():
        ours, theirs = fold_batch_norm(model)(clips), model(clips)
    torch.testing.assert_close(ours.scores, theirs.scores, rtol=0, atol=1e-5)
    for mine, logits in zip(ours.region_logits, theirs.region_logits, strict=True):
        torch.testing.assert_close(mine, logits, rtol=1e-4, atol=1e-4)


def test_the_original_network_is_unchanged() -> None:
    model = network("resnet18")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fold_batch_norm(model)
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_all_normalizations_of_a_resnet_are_folded() -> None:
    model = fold_batch_norm(network("resnet18"))
    assert not [name for name, module in model.named_modules() if isinstance(module, _BatchNorm)]
    assert model.backbone.model.layer1[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)
