"""Features of edges against loops over pairs of action units."""

import pytest
import torch
from torch import Tensor

from mdhr.network.me_graphau.edge_features import CrossAttention, EdgeFeatures


def looped_attention(attention: CrossAttention, looking: Tensor, context: Tensor) -> Tensor:
    """Definition, one position after the other, of maps ``p d`` and ``q d``."""
    key, value = attention.key_proj(context), attention.value_proj(context)
    outputs = []
    for position in looking:
        query = attention.query_proj(position)
        weights = torch.stack([torch.dot(query, k) / len(query) ** 0.5 for k in key]).exp()
        outputs.append(sum(w * v for w, v in zip(weights / weights.sum(), value, strict=True)))
    return torch.stack(outputs)


def looped_edges(block: EdgeFeatures, au_features: Tensor, face: Tensor) -> Tensor:
    """Return the edges by definition; edge ``i * N + j`` runs from node j to node i."""
    num_frames, num_aus, _, width = au_features.shape
    edges = torch.empty(num_frames, num_aus, num_aus, width)
    norm = block.norm
    for b in range(num_frames):
        maps = [looped_attention(block.face_attention, au_map, face[b]) for au_map in au_features[b]]
        for i, end in enumerate(maps):
            for j, start in enumerate(maps):
                e = i * num_aus + j
                x = block.linear(looped_attention(block.pair_attention, start, end)).mean(0)
                scale = norm.weight[e] / (norm.running_var[e] + norm.eps).sqrt()
                edges[b, i, j] = (x - norm.running_mean[e]) * scale + norm.bias[e]
    return edges


def small_block(*, project_once: bool) -> EdgeFeatures:
    torch.manual_seed(0)
    block = EdgeFeatures(num_aus=3, width=4, project_once=project_once)
    for tensor in (block.norm.weight.data, block.norm.bias.data, block.norm.running_mean, block.norm.running_var):
        tensor.uniform_(0.5, 1.5)
    return block


@pytest.mark.parametrize("project_once", [True, False])
def test_edges_are_their_definition(project_once: bool) -> None:
    block = small_block(project_once=project_once).eval()
    au_features, face = torch.randn(2, 3, 5, 4), torch.randn(2, 5, 4)
    with torch.inference_mode():
        torch.testing.assert_close(
            block(au_features, face), looped_edges(block, au_features, face), atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize(("num_aus", "num_positions", "width"), [(3, 5, 4), (12, 16, 64)])
def test_project_once_changes_neither_output_nor_gradients_nor_statistics(
    num_aus: int, num_positions: int, width: int
) -> None:
    torch.manual_seed(1)
    au_features, face = torch.randn(4, num_aus, num_positions, width), torch.randn(4, num_positions, width)
    results = []
    for project_once in (True, False):
        torch.manual_seed(0)
        block = EdgeFeatures(num_aus=num_aus, width=width, project_once=project_once)
        block.norm.weight.data.uniform_(0.5, 1.5)
        edges = block(au_features, face)
        (edges * torch.linspace(-1, 1, edges.numel()).view_as(edges)).sum().backward()
        results.append([edges, *(parameter.grad for parameter in block.parameters()), *block.buffers()])
    for once, often in zip(*results, strict=True):
        torch.testing.assert_close(once, often, atol=1e-4 * max(1, often.abs().max().item()), rtol=1e-4)
