"""ME-GraphAU, stage 1: a graph made for every face, FGG (Luo et al., IJCAI 2022, section 3.1).

    A[i, j] = [v_i . v_j is among the K largest of row i]              no gradient; ties are kept
    v_i'    = ReLU(v_i + BN(sum_j Â[i, j] V v_j + U v_i))              Â = D^-1/2 A D^-1/2, D the row sums of A

The batch normalization has one channel per action unit.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr.network.blocks import scaled_linear


def nearest_adjacency(nodes: Float[Tensor, "b n d"], num_nearest: int) -> Float[Tensor, "b n n"]:
    """Edges (1, otherwise 0) of every node to those with the largest inner product, as a rule itself among them."""
    likeness = nodes.detach() @ nodes.detach().mT
    smallest_kept = likeness.topk(num_nearest).values[..., -1:]
    return (likeness >= smallest_kept).to(nodes.dtype)


def normalized(adjacency: Float[Tensor, "b n n"]) -> Float[Tensor, "b n n"]:
    """``D^-1/2 A D^-1/2``: a node counts for less the more neighbors it and the listener have."""
    scale = adjacency.sum(-1).rsqrt()
    return scale.unsqueeze(-1) * adjacency * scale.unsqueeze(-2)


class FacialGraph(nn.Module):
    """Every action unit's node hears those that are like it in this very face.

    Parameters
    ----------
    num_nearest: K, how many nodes a node hears, itself counted.
    """

    def __init__(self, *, num_aus: int, width: int, num_nearest: int) -> None:
        super().__init__()
        self.num_nearest = num_nearest
        self.own = scaled_linear(width, width)  # U
        self.heard = scaled_linear(width, width)  # V
        self.norm = nn.BatchNorm1d(num_aus)

    def forward(self, nodes: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """Nodes ``(B T) N D`` in and out."""
        graph = normalized(nearest_adjacency(nodes, self.num_nearest))
        return F.relu(nodes + self.norm(graph @ self.heard(nodes) + self.own(nodes)))
