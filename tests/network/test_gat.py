import math

import pytest
import torch

from mdhr.network.gat import GraphAttention


@pytest.fixture
def problem() -> tuple[GraphAttention, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    attention = GraphAttention(width=6)
    torch.nn.init.normal_(attention.bias)
    adjacency = (torch.rand(3, 5, 5) < 0.4) | torch.eye(5, dtype=torch.bool)
    return attention, torch.randn(3, 5, 6), adjacency


def test_equals_loops_over_nodes(problem: tuple) -> None:
    attention, nodes, adjacency = problem
    expected = torch.empty_like(nodes)
    for b in range(3):
        z = [attention.linear.weight @ x for x in nodes[b]]
        for i in range(5):
            exponents = {}
            for j in range(5):
                if adjacency[b, i, j]:
                    e = (attention.a_src.flatten() @ z[i] + attention.a_dst.flatten() @ z[j]).item()
                    exponents[j] = math.exp(e if e > 0 else 0.2 * e)
            mixed = sum(weight * z[j] for j, weight in exponents.items()) / sum(exponents.values())
            out = mixed + nodes[b, i] + attention.bias
            expected[b, i] = torch.where(out > 0, out, out.exp() - 1)
    torch.testing.assert_close(attention(nodes, adjacency), expected, atol=1e-5, rtol=1e-4)


def test_equals_torch_geometric(problem: tuple) -> None:
    gat = pytest.importorskip("torch_geometric.nn", reason="torch_geometric is not installed").GATConv
    attention, nodes, adjacency = problem
    oracle = gat(6, 6, heads=1, add_self_loops=False, bias=False)
    oracle.lin.weight.data = attention.linear.weight.data
    # There messages run from source to target, and the receiving node i is the target.
    oracle.att_src.data, oracle.att_dst.data = attention.a_dst.data, attention.a_src.data
    for b in range(3):
        receiver, sender = adjacency[b].nonzero(as_tuple=True)
        mixed = oracle(nodes[b], torch.stack([sender, receiver]))
        expected = torch.nn.functional.elu(mixed + nodes[b] + attention.bias)
        torch.testing.assert_close(attention(nodes, adjacency)[b], expected, atol=1e-5, rtol=1e-4)


def test_weights_begin_xavier_uniform() -> None:
    torch.manual_seed(0)
    attention = GraphAttention(width=256)
    for weight in (attention.linear.weight, attention.a_src, attention.a_dst):
        bound = math.sqrt(6 / (256 + 256))
        assert weight.abs().max().item() == pytest.approx(bound, rel=0.05)
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert attention.bias.eq(0).all()
