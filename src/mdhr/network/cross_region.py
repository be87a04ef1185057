"""HSR, second stage: cross-region relationships by gated graph attention (paper section 3.2).

An action unit attends to itself and to the action units of other region groups that the local stage predicts active::

    A[i, j] = [group(i) != group(j)] * active[j],   A[i, i] = 1
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.network.gat import GraphAttention


def predicted_active(region_logits: Sequence[Tensor], au_set: ActionUnitSet) -> Bool[Tensor, "BT N"]:
    """Return which action units are active in the most likely pattern of every region group; detached."""
    patterns = torch.stack([logits.detach().argmax(-1) for logits in region_logits], -1)  # BT R
    return au_set.active_aus(patterns)


def gated_adjacency(cross_region: Bool[Tensor, "N N"], active: Bool[Tensor, "BT N"]) -> Bool[Tensor, "BT N N"]:
    """Return A from ``cross_region[i, j] = [group(i) != group(j)]`` and the predicted occurrence."""
    self_loops = torch.eye(len(cross_region), dtype=torch.bool, device=cross_region.device)
    return (cross_region & active.unsqueeze(-2)) | self_loops


class CrossRegionGraph(nn.Module):
    """Graph attention over the action units of a frame, gated by the predicted patterns of the region groups."""

    cross_region: Tensor

    def __init__(self, *, au_set: ActionUnitSet, width: int) -> None:
        super().__init__()
        self.au_set = au_set
        self.attention = GraphAttention(width=width)
        self.register_buffer("cross_region", au_set.cross_region(), persistent=False)

    def forward(self, nodes: Float[Tensor, "BT N D"], region_logits: Sequence[Tensor]) -> Float[Tensor, "BT N D"]:
        """Return the updated nodes; ``region_logits`` are R tensors ``BT num_patterns``."""
        active = predicted_active(region_logits, self.au_set)
        return self.attention(nodes, gated_adjacency(self.cross_region, active))
