"""Graph of stage 1 compared with loops over its nodes."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mdhr.network.me_graphau.facial_graph import FacialGraph, neighbor_adjacency


def looped_graph(graph: FacialGraph, nodes: Tensor) -> Tensor:
    """Return the updated nodes by definition, in evaluation mode."""
    norm, outputs = graph.norm, []
    for v in nodes:
        similarity = [[float(torch.dot(a, b)) for b in v] for a in v]
        near = [[x >= sorted(row)[-graph.num_neighbors] for x in row] for row in similarity]
        degree = [sum(row) for row in near]
        for i in range(len(v)):
            message = sum(
                graph.message_proj.weight @ v[j] / math.sqrt(degree[i] * degree[j])
                + graph.message_proj.bias / math.sqrt(degree[i] * degree[j])
                for j in range(len(v))
                if near[i][j]
            )
            message = message + graph.self_proj.weight @ v[i] + graph.self_proj.bias
            scale = norm.weight[i] / (norm.running_var[i] + norm.eps).sqrt()
            outputs.append((v[i] + (message - norm.running_mean[i]) * scale + norm.bias[i]).clamp(min=0))
    return torch.stack(outputs).view_as(nodes)


def randomize(norm: torch.nn.Module) -> None:
    """Randomize weights and statistics, so that swapped axes change the result."""
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        tensor.uniform_(0.5, 1.5)


@pytest.mark.parametrize("num_neighbors", [1, 3, 5])
def test_graph_is_its_definition(num_neighbors: int) -> None:
    torch.manual_seed(0)
    graph = FacialGraph(num_aus=5, width=6, num_neighbors=num_neighbors).eval()
    randomize(graph.norm)
    nodes = torch.randn(3, 5, 6)
    with torch.inference_mode():
        torch.testing.assert_close(graph(nodes), looped_graph(graph, nodes), atol=1e-5, rtol=1e-5)


def test_equal_neighbors_are_both_kept() -> None:
    nodes = F.one_hot(torch.tensor([[0, 1, 1, 2]])).float()
    expected = [[1, 1, 1, 1], [0, 1, 1, 0], [0, 1, 1, 0], [1, 1, 1, 1]]  # the second largest of rows 0 and 3 is 0
    assert neighbor_adjacency(nodes, 2)[0].tolist() == expected


def test_no_gradient_flows_through_the_choice_of_neighbors() -> None:
    nodes = torch.randn(1, 4, 3, requires_grad=True)
    assert not neighbor_adjacency(nodes, 2).requires_grad
