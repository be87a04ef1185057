"""Tests of the captured weights."""

import numpy as np
import pytest
import torch
from torch import nn

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR
from mdhr.reporting.figures.captured_weights import capture_weights


def small_mdhr(au_set: ActionUnitSet = BP4D, **switches: bool) -> MDHR:
    torch.manual_seed(0)
    backbone = Backbone(name="mobilenetv3_small_050", pretrained=False, weights=None, feature_source="stage_output",
                        drop_path_rate=0.0, input_size=64)  # fmt: skip
    settings = {"use_mfd": True, "use_hsr": True, "use_tcn": True, **switches}
    network = MDHR(backbone=backbone, au_set=au_set, width=32, temporal_radius=2, **settings)
    for module in network.modules():  # far from what it starts with, so that patterns and weights differ
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return network


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda au_set: au_set.name)
def test_shapes_sums_and_gates(au_set: ActionUnitSet, frames: torch.Tensor) -> None:
    network = small_mdhr(au_set).train()
    found, num_aus = capture_weights(network, frames), len(au_set.aus)
    assert found.scale_weights.shape == (4, 4, 2, 2)
    assert found.scale_weights.sum(1) == pytest.approx(1, abs=1e-5)
    assert found.attention.shape == (4, num_aus, num_aus)
    assert found.attention.sum(-1) == pytest.approx(1, abs=1e-5)
    for t in range(4):
        for i in range(num_aus):
            for j in range(num_aus):
                is_open = i == j or (au_set.group_of[i] != au_set.group_of[j] and found.active[t, j])
                assert (found.attention[t, i, j] > 0) == is_open
    assert found.active.any()
    assert network.training, "left as it was"
    assert not network.mfd.scale_logits._forward_hooks
    with torch.inference_mode():
        assert found.scores == pytest.approx(network.eval()(frames[None]).scores[0].numpy())


def test_attention_reproduces_the_output_of_the_graph(frames: torch.Tensor) -> None:
    """The output of the graph is recomputed from the captured attention."""
    network = small_mdhr().eval()
    captured: dict[str, torch.Tensor] = {}
    network.cross_region.register_forward_hook(lambda _, given, out: captured.update(nodes=given[0], out=out))
    found, graph = capture_weights(network, frames), network.cross_region.attention
    with torch.inference_mode():
        mixed = torch.from_numpy(found.attention) @ graph.linear(captured["nodes"])
        expected = nn.functional.elu(mixed + captured["nodes"] + graph.bias)
    assert captured["out"].numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_scale_weights_follow_the_bias_of_the_network(frames: torch.Tensor) -> None:
    """A large bias makes one scale win at all positions."""
    network = small_mdhr()
    with torch.no_grad():
        network.mfd.scale_logits.bias[2] = 1e4
    weights = capture_weights(network, frames).scale_weights
    assert np.array_equal(weights, np.eye(4)[2][None, :, None, None] * np.ones((4, 1, 2, 2)))


@pytest.mark.parametrize("switch", ["use_mfd", "use_hsr"])
def test_ablated_variants_raise(switch: str, frames: torch.Tensor) -> None:
    with pytest.raises(InputError, match="no scale weights or no graph"):
        capture_weights(small_mdhr(**{switch: False, "use_tcn": False}), frames)
