from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.errors import InputError
from mdhr.network.me_graphau.me_graphau import SHARED_PARTS, MEGraphAU

Make = Callable[..., MEGraphAU]


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda s: s.name)
@pytest.mark.parametrize("stage", [1, 2])
def test_output_of_a_batch_of_clips(au_set: ActionUnitSet, stage: Literal[1, 2], small_me_graphau: Make) -> None:
    network, num_aus = small_me_graphau(au_set=au_set, stage=stage), len(au_set.aus)
    scores, region_logits, edge_logits = network(torch.randn(2, 3, 3, 64, 64))
    assert scores.shape == (2, 3, num_aus)
    assert 0 <= scores.min() <= scores.max() <= 1
    assert region_logits == ()
    if stage == 1:
        assert edge_logits is None
        scores.mean().backward()
    else:
        assert edge_logits.shape == (2, 3, num_aus, num_aus, 4)
        (scores.mean() + edge_logits.logsumexp(-1).mean()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("stage", [1, 2])
def test_frames_are_independent(stage: Literal[1, 2], small_me_graphau: Make) -> None:
    network = small_me_graphau(stage=stage).eval()
    frames = torch.randn(2, 3, 3, 64, 64)
    with torch.inference_mode():
        together = network(frames)
        alone = [network(frame[None, None]) for frame in frames.flatten(0, 1)]
    for field in ("scores", "edge_logits")[:stage]:
        expected = torch.cat([getattr(output, field)[0] for output in alone])
        torch.testing.assert_close(getattr(together, field).flatten(0, 1), expected, atol=1e-5, rtol=1e-4)


def test_feature_maps_of_action_units_are_separate_linear_blocks(small_me_graphau: Make) -> None:
    network = small_me_graphau(stage=1).eval()
    block, face = network.au_features, torch.randn(2, 4, 32)
    for tensor in (block.norm.running_mean, block.norm.running_var):
        tensor.uniform_(0.5, 1.5)
    inputs: list[torch.Tensor] = []
    network.graph.register_forward_pre_hook(lambda module, args: inputs.append(args[0]))
    network.static.register_forward_hook(lambda module, args, output: face.view(2, 2, 2, 32))
    with torch.inference_mode():
        network(torch.zeros(1, 2, 3, 64, 64))
        for n in range(12):
            rows = slice(32 * n, 32 * (n + 1))
            x = face @ block.linear.weight[rows].T + block.linear.bias[rows]
            x = (x - block.norm.running_mean[rows]) / (block.norm.running_var[rows] + block.norm.eps).sqrt()
            torch.testing.assert_close(inputs[0][:, n], x.clamp(min=0).mean(1), atol=1e-5, rtol=1e-4)


def save_as_trained(network: MEGraphAU, path: Path) -> str:
    state = {f"network.{key}": x for key, x in network.state_dict().items()}
    torch.save({"state_dict": {**state, "loss.class_weights": torch.ones(12)}, "epoch": 3}, path)
    return str(path)


def test_stage_2_loads_the_weights_of_stage_1(tmp_path: Path, small_me_graphau: Make) -> None:
    first = small_me_graphau(stage=1)
    second = small_me_graphau(stage=2, weights=save_as_trained(first, tmp_path / "stage1.ckpt"))
    state = second.state_dict()
    shared = {key: x for key, x in first.state_dict().items() if not key.startswith("graph.")}
    assert all(torch.equal(x, state[key]) for key, x in shared.items())
    assert {key.partition(".")[0] + "." for key in shared} == set(SHARED_PARTS)


def test_weights_that_do_not_fit_raise(tmp_path: Path, small_me_graphau: Make) -> None:
    with pytest.raises(InputError, match=r"file 'absent.ckpt' does not exist\. Train stage 1 first"):
        small_me_graphau(weights="absent.ckpt")
    path = save_as_trained(small_me_graphau(stage=1, width=16), tmp_path / "narrow.ckpt")
    with pytest.raises(InputError, match=r"narrow.ckpt' does not fit this ME-GraphAU: .*misshapen") as raised:
        small_me_graphau(weights=path)
    assert "\n" not in str(raised.value)
    torch.save({"state_dict": {"network.backbone.a": torch.ones(1)}}, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match=r"missing .*; 1 unexpected \(backbone.a\)"):
        small_me_graphau(weights=str(tmp_path / "other.ckpt"))


def test_more_neighbors_than_nodes_raises(small_me_graphau: Make) -> None:
    with pytest.raises(InputError, match="num_neighbors=9 is out of range: expected 1 to 8"):
        small_me_graphau(au_set=DISFA, num_neighbors=9)
