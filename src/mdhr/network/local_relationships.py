"""HSR, first stage: local relationships inside the regions of the face (paper section 3.2, Table 1).

Every region group reads the rows of the feature map that its region covers. It predicts logits over its *patterns*
(the on/off combinations of its action units, the auxiliary task) and one node per action unit.
"""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.regions import Region, RegionGroup
from mdhr.network.blocks import LinearBlock


class LocalNodes(NamedTuple):
    """Output of the local stage."""

    nodes: Tensor
    """``BT N D``, action units in the order of the set."""
    region_logits: tuple[Tensor, ...]
    """R tensors ``BT num_patterns``; empty without regions."""


def region_positions(features: Float[Tensor, "BT H W D"], region: Region) -> Float[Tensor, "BT P D"]:
    """Return the P positions of the feature map that lie in the rows of the region."""
    return features[:, region.rows(features.shape[1])].flatten(1, 2)


class ActionUnitBlocks(nn.Module):
    """One linear block per action unit, followed by the mean over positions.

    The blocks have the same input, so one matrix product computes all of them.
    """

    def __init__(self, *, num_aus: int, width: int) -> None:
        super().__init__()
        self.num_aus = num_aus
        self.blocks = LinearBlock(width, width, num_blocks=num_aus)

    def forward(self, positions: Float[Tensor, "BT P D"]) -> Float[Tensor, "BT N D"]:
        """Return one node per action unit."""
        return rearrange(self.blocks(positions).mean(1), "bt (n d) -> bt n d", n=self.num_aus)


class FullFaceNodes(nn.Module):
    """Local stage without regions, for ablations: the block of every action unit reads the full feature map."""

    def __init__(self, *, au_set: ActionUnitSet, width: int) -> None:
        super().__init__()
        self.au_blocks = ActionUnitBlocks(num_aus=len(au_set.aus), width=width)

    def forward(self, features: Float[Tensor, "BT H W D"]) -> LocalNodes:
        """Return nodes and no logits."""
        return LocalNodes(self.au_blocks(features.flatten(1, 2)), ())


class RegionGroupNodes(nn.Module):
    """Nodes and pattern logits of one region group."""

    def __init__(self, *, group: RegionGroup, width: int, region_block: bool) -> None:
        super().__init__()
        self.region = group.region
        self.region_block = LinearBlock(width, width) if region_block else nn.Identity()
        self.pattern_head = nn.Linear(width, group.num_patterns)
        self.au_blocks = ActionUnitBlocks(num_aus=len(group.aus), width=width)

    def forward(self, features: Float[Tensor, "BT H W D"]) -> tuple[Tensor, Tensor]:
        """Return nodes ``BT len(group.aus) D``, in the order of the pattern bits, and logits ``BT num_patterns``."""
        positions = self.region_block(region_positions(features, self.region))
        return self.au_blocks(positions), self.pattern_head(positions.mean(1))


class LocalRelationships(nn.Module):
    """Nodes and pattern logits of all region groups of an action unit set."""

    order: Tensor

    def __init__(self, *, au_set: ActionUnitSet, width: int) -> None:
        super().__init__()
        self.groups = nn.ModuleList(
            RegionGroupNodes(group=group, width=width, region_block=au_set.region_block) for group in au_set.groups
        )
        grouped = torch.tensor([n for members in au_set.members for n in members])
        self.register_buffer("order", grouped.argsort(), persistent=False)

    def forward(self, features: Float[Tensor, "BT H W D"]) -> LocalNodes:
        """Return nodes and pattern logits of frame features."""
        nodes, logits = zip(*(group(features) for group in self.groups), strict=True)
        return LocalNodes(torch.cat(nodes, 1)[:, self.order], logits)
