"""Gated graph convolution compared with loops over nodes and edges."""

import torch
from torch import Tensor, nn

from mdhr.network.me_graphau.gated_graph import GatedGraphConvolution


def normalize(x: Tensor, norm: nn.BatchNorm1d, channel: int) -> Tensor:
    scale = norm.weight[channel] / (norm.running_var[channel] + norm.eps).sqrt()
    return (x - norm.running_mean[channel]) * scale + norm.bias[channel]


def looped_layer(layer: GatedGraphConvolution, nodes: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Return nodes ``N D`` and edges ``N N D`` of one graph by definition, in evaluation mode."""
    num_nodes, (u, v, a, b, e) = (
        len(nodes),
        [
            linear.weight
            for linear in (layer.self_proj, layer.message_proj, layer.dst_proj, layer.src_proj, layer.edge_proj)
        ],
    )
    new_nodes, new_edges = torch.empty_like(nodes), torch.empty_like(edges)
    for i in range(num_nodes):
        for j in range(num_nodes):
            change = normalize(a @ nodes[i] + b @ nodes[j] + e @ edges[i, j], layer.edge_norm, i * num_nodes + j)
            new_edges[i, j] = edges[i, j] + change.clamp(min=0)
        open_gates = [(1 / (1 + (-new_edges[i, j]).exp())).exp() for j in range(num_nodes)]
        message = sum(gate / sum(open_gates) * (v @ nodes[j]) for j, gate in enumerate(open_gates)) / num_nodes
        new_nodes[i] = (nodes[i] + normalize(u @ nodes[i] + message, layer.node_norm, i)).clamp(min=0)
    return new_nodes, new_edges


def test_layer_is_its_definition() -> None:
    torch.manual_seed(0)
    layer = GatedGraphConvolution(num_nodes=4, width=5).eval()
    for norm in (layer.node_norm, layer.edge_norm):
        for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            tensor.uniform_(0.5, 1.5)
    nodes, edges = torch.randn(3, 4, 5), torch.randn(3, 4, 4, 5)
    with torch.inference_mode():
        ours = layer(nodes, edges)
        expected = [looped_layer(layer, *graph) for graph in zip(nodes, edges, strict=True)]
    for tensor, parts in zip(ours, zip(*expected, strict=True), strict=True):
        torch.testing.assert_close(tensor, torch.stack(parts), atol=1e-5, rtol=1e-5)
