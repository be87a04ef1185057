"""ME-GraphAU, stage 2: a feature for every pair of action units, the first half of MEFL (Luo et al., section 3.2).

FAM, seen in the face:  F_i  = attention(query U_i; key and value the whole face)
ARM, seen in a pair:    F_ij = attention(query F_j; key and value F_i)
edge from j to i:       mean over the positions of BN(W F_ij)          one channel of BN per edge

Edges are ``i j``: the one that listens (end) first, the one that is heard (start) second.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mdhr.network.blocks import scaled_linear


class CrossAttention(nn.Module):
    """Every position of one map looks at all positions of another, with queries and keys of half the width.

    Parameters
    ----------
    width: D, even.
    project_once: a map that takes part in many pairs is projected once and not once for every pair. The outcome is the
        same; the released code does the latter, and its published cost counts it.
    """

    def __init__(self, *, width: int, project_once: bool) -> None:
        super().__init__()
        self.query = scaled_linear(width, width // 2)
        self.key = scaled_linear(width, width // 2)
        self.value = scaled_linear(width, width)
        self.project_once = project_once

    def forward(self, looking: Float[Tensor, "... p d"], seen: Float[Tensor, "... q d"]) -> Float[Tensor, "... p d"]:
        """Axes of size 1 before the positions pair one map of a side with many of the other."""
        if not self.project_once:
            maps = torch.broadcast_shapes(looking.shape[:-2], seen.shape[:-2])
            looking, seen = (x.expand(*maps, -1, -1) for x in (looking, seen))
        query, key, value = self.query(looking), self.key(seen), self.value(seen)
        return (query @ key.mT * query.shape[-1] ** -0.5).softmax(-1) @ value


class EdgeFeatures(nn.Module):
    """One feature for every ordered pair of action units."""

    def __init__(self, *, num_aus: int, width: int, project_once: bool) -> None:
        super().__init__()
        self.in_face = CrossAttention(width=width, project_once=project_once)  # FAM
        self.in_pair = CrossAttention(width=width, project_once=project_once)  # ARM
        self.linear = scaled_linear(width, width)
        self.norm = nn.BatchNorm2d(num_aus * num_aus)

    def forward(self, au_maps: Float[Tensor, "b n p d"], face: Float[Tensor, "b p d"]) -> Float[Tensor, "b n n d"]:
        """From every action unit's map U and the map of the whole face."""
        maps = self.in_face(au_maps, face.unsqueeze(1))  # (B T) N P D
        pairs = self.in_pair(maps.unsqueeze(1), maps.unsqueeze(2))  # (B T) N N P D
        edges = self.norm(self.linear(pairs).flatten(1, 2))  # (B T) N*N P D
        return edges.mean(2).unflatten(1, pairs.shape[1:3])
