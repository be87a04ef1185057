"""The graph of stage 1 against loops over its nodes."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mdhr.network.me_graphau.facial_graph import FacialGraph, nearest_adjacency


def looped_graph(graph: FacialGraph, nodes: Tensor) -> Tensor:
    """Definition of the block, one node after the other, in evaluation mode."""
    norm, outputs = graph.norm, []
    for v in nodes:
        likeness = [[float(torch.dot(a, b)) for b in v] for a in v]
        near = [[x >= sorted(row)[-graph.num_nearest] for x in row] for row in likeness]
        degree = [sum(row) for row in near]
        for i in range(len(v)):
            heard = sum(
                graph.heard.weight @ v[j] / math.sqrt(degree[i] * degree[j])
                + graph.heard.bias / math.sqrt(degree[i] * degree[j])
                for j in range(len(v))
                if near[i][j]
            )
            heard = heard + graph.own.weight @ v[i] + graph.own.bias
            scale = norm.weight[i] / (norm.running_var[i] + norm.eps).sqrt()
            outputs.append((v[i] + (heard - norm.running_mean[i]) * scale + norm.bias[i]).clamp(min=0))
    return torch.stack(outputs).view_as(nodes)


def disturb(norm: torch.nn.Module) -> None:
    """Statistics and weights that a mistake in the axes would show in."""
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        tensor.uniform_(0.5, 1.5)


@pytest.mark.parametrize("num_nearest", [1, 3, 5])
def test_graph_is_its_definition(num_nearest: int) -> None:
    torch.manual_seed(0)
    graph = FacialGraph(num_aus=5, width=6, num_nearest=num_nearest).eval()
    disturb(graph.norm)
    nodes = torch.randn(3, 5, 6)
    with torch.inference_mode():
        torch.testing.assert_close(graph(nodes), looped_graph(graph, nodes), atol=1e-5, rtol=1e-5)


def test_equal_neighbors_are_both_kept() -> None:
    nodes = F.one_hot(torch.tensor([[0, 1, 1, 2]])).float()
    expected = [[1, 1, 1, 1], [0, 1, 1, 0], [0, 1, 1, 0], [1, 1, 1, 1]]  # the second largest of rows 0 and 3 is 0
    assert nearest_adjacency(nodes, 2)[0].tolist() == expected


def test_no_gradient_flows_through_the_choice_of_neighbors() -> None:
    nodes = torch.randn(1, 4, 3, requires_grad=True)
    assert not nearest_adjacency(nodes, 2).requires_grad
