import math

import pytest
import torch
from torch import nn

from mdhr.errors import InputError
from mdhr.network.mfd import FacialDynamics, PatchProjection, frame_difference, window_mean
from mdhr.network.optimization.backward_memory import defer_backward
from tests.network.live_memory import LiveMemory


def test_difference_stays_inside_its_clip() -> None:
    maps = torch.randn(2 * 4, 3, 2, 2)
    steps = frame_difference(maps, 4)
    expected = [maps[4 * b + j + 1] - maps[4 * b + j] for b in range(2) for j in range(3)]
    torch.testing.assert_close(steps, torch.stack(expected))


def test_gradient_of_the_difference() -> None:
    maps = torch.randn(2 * 3, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: frame_difference(x, 3), maps)


def test_gradient_of_channels_last_maps_is_channels_last() -> None:
    maps = torch.randn(2 * 3, 4, 2, 2).contiguous(memory_format=torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(frame_difference(maps, 3).square().sum(), maps)
    assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_full_resolution_differences_are_not_stored() -> None:
    widths, num_frames = (8, 8, 8, 8), 4
    block = FacialDynamics(widths=widths, strides=(4, 8, 16, 32), width=8, temporal_radius=2).train()
    maps = [torch.randn(num_frames, c, 64 // 2**s, 64 // 2**s, requires_grad=True) for s, c in enumerate(widths)]
    memory = LiveMemory(*maps, *block.parameters(), *block.buffers())
    with memory:
        output = block(maps, num_frames)
    assert memory.size < maps[0].nbytes
    output.sum().backward()
    assert all(x.grad is not None for x in maps)


def test_deferred_backward_runs_after_later_stages() -> None:
    first, later, head = (torch.ones(2, requires_grad=True) for _ in range(3))
    order: list[str] = []
    for name, weight in {"first": first, "later": later, "head": head}.items():
        weight.register_post_accumulate_grad_hook(lambda _, name=name: order.append(name))
    maps = 2 * first
    deeper = maps * later
    output = maps * head
    defer_backward(output, maps)
    (output + deeper).sum().backward()
    assert order == ["later", "head", "first"]


@pytest.mark.parametrize("k", range(1, 9))
def test_window_mean_is_the_sum_of_the_definition(k: int) -> None:
    num_frames = 16
    steps = torch.randn(2, num_frames - 1, 3, 3, 5, dtype=torch.float64)
    expected = torch.zeros(2, num_frames, 3, 3, 5, dtype=torch.float64)
    for t in range(num_frames):
        for j in range(t - k, t + k):
            if 0 <= j <= num_frames - 2:
                expected[:, t] += steps[:, j] / (2 * k)
    torch.testing.assert_close(window_mean(steps, k), expected)


@pytest.mark.parametrize("k", [0, -1, 9])
def test_window_outside_the_clip_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"network.temporal_radius={k} is out of range: expected 1 to 8"):
        window_mean(torch.zeros(1, 15, 1, 1, 1), k)


def test_k_of_zero_is_refused_when_the_network_is_built() -> None:
    with pytest.raises(InputError, match="temporal_radius=0 is out of range: expected 1 to half"):
        FacialDynamics(widths=(2, 2, 2, 2), strides=(4, 8, 16, 32), width=4, temporal_radius=0)


@pytest.mark.parametrize("patch", [1, 2, 4, 8])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_patch_projection_is_a_strided_convolution(patch: int, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    projection = PatchProjection(in_channels=3, out_channels=6, patch=patch)
    convolution, norm = nn.Conv2d(3, 6, patch, stride=patch), nn.BatchNorm2d(6)
    rows = projection.block.linear.weight.data.view(6, patch, patch, 3)
    convolution.weight.data, convolution.bias.data = rows.permute(0, 3, 1, 2), projection.block.linear.bias.data
    x = torch.randn(4, 3, 2 * patch, 3 * patch).contiguous(memory_format=layout)
    expected = norm(convolution(x)).relu().permute(0, 2, 3, 1)
    torch.testing.assert_close(projection(x), expected, atol=1e-5, rtol=1e-5)
    assert PatchProjection(in_channels=64, out_channels=128, patch=patch).block.linear.weight.std().item() == (
        pytest.approx(math.sqrt(2 / (patch * patch * 128)), rel=0.05)
    )


def test_dynamic_feature_follows_the_equations() -> None:
    """Return the output of the block by definition: convolutions, loops over scales, two-dimensional norms."""
    torch.manual_seed(0)
    widths, num_frames, k = (3, 4, 5, 6), 6, 2
    block = FacialDynamics(widths=widths, strides=(4, 8, 16, 32), width=7, temporal_radius=k).train()
    maps = [torch.randn(2 * num_frames, c, 2 * 8 // 2**s, 2 * 8 // 2**s) for s, c in enumerate(widths)]

    def linear_block(part: nn.Module, x: torch.Tensor) -> torch.Tensor:
        y = torch.einsum("nchw,dc->ndhw", x, part.linear.weight) + part.linear.bias[:, None, None]
        return nn.functional.batch_norm(y, None, None, part.norm.weight, part.norm.bias, training=True).relu()

    means, features = [], []
    for s, x in enumerate(maps):
        patch = 8 // 2**s
        clips = x.unflatten(0, (2, num_frames))
        steps = torch.stack([clips[:, j + 1] - clips[:, j] for j in range(num_frames - 1)], 1).flatten(0, 1)
        weight = block.projections[s].block.linear.weight.unflatten(1, (patch, patch, widths[s])).permute(0, 3, 1, 2)
        y = nn.functional.conv2d(steps, weight, block.projections[s].block.linear.bias, stride=patch)
        y = nn.functional.batch_norm(y, None, None, training=True).relu().unflatten(0, (2, num_frames - 1))
        mean = [y[:, max(t - k, 0) : t + k].sum(1) / (2 * k) for t in range(num_frames)]
        means.append(torch.stack(mean, 1).flatten(0, 1))
        features.append(linear_block(block.scale_features[s], means[-1]))
    logits = torch.einsum("nchw,sc->nshw", torch.cat(features, 1), block.scale_logits.weight)
    weights = (logits + block.scale_logits.bias[:, None, None]).softmax(1)
    expected = linear_block(block.output, sum(weights[:, s, None] * means[s] for s in range(4)))
    torch.testing.assert_close(block(maps, num_frames), expected.permute(0, 2, 3, 1), atol=1e-4, rtol=1e-4)
