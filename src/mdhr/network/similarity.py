"""SC, similarity calculation: scores from nodes (supplement, eq. 2).

    p_n = cos(ReLU(v_n), ReLU(s_n))

v_n is the node of action unit n in one frame, s_n a learned prototype of the action unit, shared by all frames.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def similarity_scores(nodes: Float[Tensor, "... N D"], prototypes: Float[Tensor, "N D"]) -> Float[Tensor, "... N"]:
    """Return p in [0, 1], computed in float32 at least and clamped to remove rounding errors.

    A node or prototype without a positive entry scores 0.
    """
    dtype = torch.promote_types(nodes.dtype, torch.float32)
    nodes, prototypes = (F.normalize(x.to(dtype).relu(), dim=-1) for x in (nodes, prototypes))
    return (nodes * prototypes).sum(-1).clamp(0, 1)


class Similarity(nn.Module):
    """Cosine similarity between the nodes of a frame and the prototypes of their action units."""

    def __init__(self, *, num_aus: int, width: int) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.empty(num_aus, width))
        nn.init.xavier_uniform_(self.prototypes)

    def forward(self, nodes: Float[Tensor, "... N D"]) -> Float[Tensor, "... N"]:
        """Return scores in [0, 1]."""
        return similarity_scores(nodes, self.prototypes)
