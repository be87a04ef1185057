"""ME-GraphAU, stage 1: a graph per face, FGG (Luo et al., IJCAI 2022, section 3.1).

    A[i, j] = [v_i . v_j is among the K largest of row i]       no gradient; ties are kept
    v_i'    = ReLU(v_i + BN(sum_j Â[i, j] V v_j + U v_i))       Â = D^-1/2 A D^-1/2, D the diagonal row sums of A

The batch normalization has one channel per action unit.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr.network.blocks import scaled_linear


def neighbor_adjacency(nodes: Float[Tensor, "BT N D"], num_neighbors: int) -> Float[Tensor, "BT N N"]:
    """Return A (0 or 1): edges of every node to its K nearest neighbors by inner product, itself usually included."""
    similarity = nodes.detach() @ nodes.detach().mT
    smallest_kept = similarity.topk(num_neighbors).values[..., -1:]
    return (similarity >= smallest_kept).to(nodes.dtype)


def normalize_adjacency(adjacency: Float[Tensor, "BT N N"]) -> Float[Tensor, "BT N N"]:
    """Return ``D^-1/2 A D^-1/2``, the symmetric normalization by the row sums."""
    scale = adjacency.sum(-1).rsqrt()
    return scale.unsqueeze(-1) * adjacency * scale.unsqueeze(-2)


class FacialGraph(nn.Module):
    """Graph convolution over the K nearest neighbors of every node in the same face.

    Args:
        num_neighbors: K, the node itself included.
    """

    def __init__(self, *, num_aus: int, width: int, num_neighbors: int) -> None:
        super().__init__()
        self.num_neighbors = num_neighbors
        self.self_proj = scaled_linear(width, width)  # U
        self.message_proj = scaled_linear(width, width)  # V
        self.norm = nn.BatchNorm1d(num_aus)

    def forward(self, nodes: Float[Tensor, "BT N D"]) -> Float[Tensor, "BT N D"]:
        """Return the updated nodes."""
        graph = normalize_adjacency(neighbor_adjacency(nodes, self.num_neighbors))
        return F.relu(nodes + self.norm(graph @ self.message_proj(nodes) + self.self_proj(nodes)))
