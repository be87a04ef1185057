"""ME-GraphAU, stage 2: joint update of nodes and edges, second half of MEFL (Luo et al., section 3.2).

A gated graph convolution (Bresson and Laurent 2017)::

    e_ij' = e_ij + ReLU(BN(A v_i + B v_j + E e_ij))
    g_ij  = softmax over j of sigmoid(e_ij')                       per channel
    v_i'  = ReLU(v_i + BN(U v_i + 1/N sum_j g_ij * V v_j))

The batch normalizations have one channel per edge and one per node. Edges run from source node j to target node i.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr.network.blocks import scaled_linear


class GatedGraphConvolution(nn.Module):
    """One layer on the complete graph of N nodes with self-loops."""

    def __init__(self, *, num_nodes: int, width: int) -> None:
        super().__init__()
        self.self_proj = scaled_linear(width, width, bias=False)  # U
        self.message_proj = scaled_linear(width, width, bias=False)  # V
        self.dst_proj = scaled_linear(width, width, bias=False)  # A
        self.src_proj = scaled_linear(width, width, bias=False)  # B
        self.edge_proj = scaled_linear(width, width, bias=False)  # E
        self.node_norm = nn.BatchNorm1d(num_nodes)
        self.edge_norm = nn.BatchNorm1d(num_nodes * num_nodes)

    def forward(
        self, nodes: Float[Tensor, "BT N D"], edges: Float[Tensor, "BT N N D"]
    ) -> tuple[Float[Tensor, "BT N D"], Float[Tensor, "BT N N D"]]:
        """Return the updated nodes and edges; ``edges[:, i, j]`` runs from node j to node i."""
        change = self.dst_proj(nodes).unsqueeze(2) + self.src_proj(nodes).unsqueeze(1) + self.edge_proj(edges)
        edges = edges + F.relu(self.edge_norm(change.flatten(1, 2))).view_as(edges)
        gates = edges.sigmoid().softmax(2)
        messages = (gates * self.message_proj(nodes).unsqueeze(1)).mean(2)
        return F.relu(nodes + self.node_norm(self.self_proj(nodes) + messages)), edges
