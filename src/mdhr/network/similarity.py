"""SC, similarity calculation: nodes to scores (supplement, eq. 2).

p_n = cos(ReLU(v_n), ReLU(s_n))     s_n: a trained vector per action unit, the same for all frames
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def similarity_scores(nodes: Float[Tensor, "... aus d"], anchors: Float[Tensor, "aus d"]) -> Float[Tensor, "... aus"]:
    """Cosine of the non-negative parts, in float32 at least and clamped to [0, 1] after rounding errors.

    A vector without a positive entry scores 0.
    """
    dtype = torch.promote_types(nodes.dtype, torch.float32)
    nodes, anchors = (F.normalize(x.to(dtype).relu(), dim=-1) for x in (nodes, anchors))
    return (nodes * anchors).sum(-1).clamp(0, 1)


class Similarity(nn.Module):
    """Scores of all action units of a frame."""

    def __init__(self, *, num_aus: int, width: int) -> None:
        super().__init__()
        self.anchors = nn.Parameter(torch.empty(num_aus, width))
        nn.init.xavier_uniform_(self.anchors)

    def forward(self, nodes: Float[Tensor, "... aus d"]) -> Float[Tensor, "... aus"]:
        """Nodes ``... N D`` to scores ``... N``."""
        return similarity_scores(nodes, self.anchors)
