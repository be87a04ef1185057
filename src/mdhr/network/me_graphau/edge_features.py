"""ME-GraphAU, stage 2: a feature for every ordered pair of action units, first half of MEFL (Luo et al., section 3.2).

    FAM:  F_i  = attention(query U_i, context X)
    ARM:  F_ij = attention(query F_j, context F_i)
    edge from j to i:  e_ij = mean over positions of BN(W F_ij)

U_i is the feature map of action unit i and X the feature map of the full face. The batch normalization has one channel
per edge. Edges are indexed ``i j``: target node i first, source node j second.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mdhr.network.blocks import scaled_linear


class CrossAttention(nn.Module):
    """Attention of all positions of one feature map over all positions of another; queries and keys have width D/2.

    Args:
        width: D, even.
        project_once: project every feature map once, not once for every pair that it is part of. The result is the same;
            the released code projects per pair, and its published cost includes that.
    """

    def __init__(self, *, width: int, project_once: bool) -> None:
        super().__init__()
        self.query_proj = scaled_linear(width, width // 2)
        self.key_proj = scaled_linear(width, width // 2)
        self.value_proj = scaled_linear(width, width)
        self.project_once = project_once

    def forward(self, query: Float[Tensor, "... P D"], context: Float[Tensor, "... Q D"]) -> Float[Tensor, "... P D"]:
        """Return the attended values. Leading axes are broadcast, so one feature map can be paired with many."""
        if not self.project_once:
            leading = torch.broadcast_shapes(query.shape[:-2], context.shape[:-2])
            query, context = (x.expand(*leading, -1, -1) for x in (query, context))
        q, k, v = self.query_proj(query), self.key_proj(context), self.value_proj(context)
        return (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1) @ v


class EdgeFeatures(nn.Module):
    """One feature for every ordered pair of action units."""

    def __init__(self, *, num_aus: int, width: int, project_once: bool) -> None:
        super().__init__()
        self.face_attention = CrossAttention(width=width, project_once=project_once)  # FAM
        self.pair_attention = CrossAttention(width=width, project_once=project_once)  # ARM
        self.linear = scaled_linear(width, width)
        self.norm = nn.BatchNorm2d(num_aus * num_aus)

    def forward(
        self, au_features: Float[Tensor, "BT N P D"], face: Float[Tensor, "BT P D"]
    ) -> Float[Tensor, "BT N N D"]:
        """Return e from the feature maps U of all action units and X of the full face."""
        attended = self.face_attention(au_features, face.unsqueeze(1))  # BT N P D
        pairs = self.pair_attention(attended.unsqueeze(1), attended.unsqueeze(2))  # BT N N P D
        edges = self.norm(self.linear(pairs).flatten(1, 2))  # BT (N N) P D
        return edges.mean(2).unflatten(1, pairs.shape[1:3])
