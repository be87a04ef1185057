"""ME-GraphAU, stage 2: nodes and edges learn from each other, the second half of MEFL (Luo et al., section 3.2).

A gated graph convolution (Bresson and Laurent 2017):

    e_ij' = e_ij + ReLU(BN(A v_i + B v_j + E e_ij))
    g_ij  = softmax over j of sigmoid(e_ij')                            for every channel by itself
    v_i'  = ReLU(v_i + BN(U v_i + 1/N sum_j g_ij * V v_j))

The batch normalizations have one channel per edge and one per node.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr.network.blocks import scaled_linear


class GatedGraphConvolution(nn.Module):
    """One layer on the complete graph of N nodes, each with an edge to itself."""

    def __init__(self, *, num_nodes: int, width: int) -> None:
        super().__init__()
        self.own = scaled_linear(width, width, bias=False)  # U
        self.heard = scaled_linear(width, width, bias=False)  # V
        self.end = scaled_linear(width, width, bias=False)  # A
        self.start = scaled_linear(width, width, bias=False)  # B
        self.edge = scaled_linear(width, width, bias=False)  # E
        self.node_norm = nn.BatchNorm1d(num_nodes)
        self.edge_norm = nn.BatchNorm1d(num_nodes * num_nodes)

    def forward(
        self, nodes: Float[Tensor, "b n d"], edges: Float[Tensor, "b n n d"]
    ) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "b n n d"]]:
        """``edges[b, i, j]`` runs from node j to node i."""
        change = self.end(nodes).unsqueeze(2) + self.start(nodes).unsqueeze(1) + self.edge(edges)
        edges = edges + F.relu(self.edge_norm(change.flatten(1, 2))).view_as(edges)
        gates = edges.sigmoid().softmax(2)
        heard = (gates * self.heard(nodes).unsqueeze(1)).mean(2)
        return F.relu(nodes + self.node_norm(self.own(nodes) + heard)), edges
