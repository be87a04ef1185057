"""HSR, second stage: relationships across regions (paper section 3.2).

An action unit listens to those of the other region groups that the local stage believes to be active:

    A[i, j] = [group(i) != group(j)] * active[j],   plus A[i, i] = 1
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.network.gat import GraphAttention


def predicted_active(region_logits: Sequence[Tensor], au_set: ActionUnitSet) -> Bool[Tensor, "n aus"]:
    """Occurrence of every action unit in the most likely pattern of its group; no gradient passes."""
    patterns = torch.stack([logits.detach().argmax(-1) for logits in region_logits], -1)
    return au_set.active_aus(patterns)


def gated_adjacency(cross_region: Bool[Tensor, "aus aus"], active: Bool[Tensor, "n aus"]) -> Bool[Tensor, "n aus aus"]:
    """Edges to active action units of other groups, and from every action unit to itself."""
    itself = torch.eye(len(cross_region), dtype=torch.bool, device=cross_region.device)
    return (cross_region & active.unsqueeze(-2)) | itself


class CrossRegionGraph(nn.Module):
    """Graph attention over the action units of a frame, gated by the predicted patterns."""

    cross_region: Tensor

    def __init__(self, *, au_set: ActionUnitSet, width: int) -> None:
        super().__init__()
        self.au_set = au_set
        self.attention = GraphAttention(width=width)
        self.register_buffer("cross_region", au_set.cross_region(), persistent=False)

    def forward(self, nodes: Float[Tensor, "n aus d"], region_logits: Sequence[Tensor]) -> Float[Tensor, "n aus d"]:
        """Nodes ``(B T) N D`` in and out."""
        active = predicted_active(region_logits, self.au_set)
        return self.attention(nodes, gated_adjacency(self.cross_region, active))
