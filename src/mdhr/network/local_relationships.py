"""HSR, first stage: relationships inside each region of the face (paper section 3.2, Table 1).

Every region group reads the rows of the map that its region covers. From them come the group's *pattern* (which of
its action units are on together, the auxiliary task) and one node per action unit.
"""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet, Region, RegionGroup
from mdhr.network.blocks import LinearBlock


class LocalNodes(NamedTuple):
    """What the local stage hands on."""

    nodes: Tensor
    """``(B T) N D``, action units in the order of the set."""
    region_logits: tuple[Tensor, ...]
    """One ``(B T) num_patterns`` for each of the R region groups."""


def region_positions(features: Float[Tensor, "n h w d"], region: Region) -> Float[Tensor, "n p d"]:
    """The positions of the map that lie in the rows of a region."""
    return features[:, region.rows(features.shape[1])].flatten(1, 2)


class ActionUnitBlocks(nn.Module):
    """One linear block per action unit on shared positions, then the mean: one node per action unit.

    The blocks read the same positions, so all of them are one batched product.
    """

    def __init__(self, *, num_aus: int, width: int) -> None:
        super().__init__()
        self.num_aus = num_aus
        self.blocks = LinearBlock(width, width, num_blocks=num_aus)

    def forward(self, positions: Float[Tensor, "n p d"]) -> Float[Tensor, "n num_aus d"]:
        """Nodes of the action units, in the order of the blocks."""
        return rearrange(self.blocks(positions).mean(1), "n (a d) -> n a d", a=self.num_aus)


class WholeFace(nn.Module):
    """The local stage without regions (ablated variants): every action unit's block reads the whole map."""

    def __init__(self, *, au_set: ActionUnitSet, width: int) -> None:
        super().__init__()
        self.au_blocks = ActionUnitBlocks(num_aus=len(au_set.aus), width=width)

    def forward(self, features: Float[Tensor, "n h w d"]) -> LocalNodes:
        """Nodes alone: no regions, no patterns."""
        return LocalNodes(self.au_blocks(features.flatten(1, 2)), ())


class RegionGroupNodes(nn.Module):
    """One region group: its pattern logits and its action units' nodes."""

    def __init__(self, *, group: RegionGroup, width: int, region_block: bool) -> None:
        super().__init__()
        self.region = group.region
        self.region_block = LinearBlock(width, width) if region_block else nn.Identity()
        self.pattern_head = nn.Linear(width, group.num_patterns)
        self.au_blocks = ActionUnitBlocks(num_aus=len(group.aus), width=width)

    def forward(self, features: Float[Tensor, "n h w d"]) -> tuple[Tensor, Tensor]:
        """Nodes ``n num_aus D`` in pattern order and logits ``n num_patterns``."""
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
        grouped = torch.tensor([au for members in au_set.members for au in members])
        self.register_buffer("order", grouped.argsort(), persistent=False)

    def forward(self, features: Float[Tensor, "n h w d"]) -> LocalNodes:
        """From frame features ``(B T) H' W' D`` to nodes and logits."""
        nodes, logits = zip(*(group(features) for group in self.groups), strict=True)
        return LocalNodes(torch.cat(nodes, 1)[:, self.order], logits)
