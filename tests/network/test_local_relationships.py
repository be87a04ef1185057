import pytest
import torch
from torch import nn

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.network.local_relationships import FullFaceNodes, LocalRelationships, region_positions

ROWS = {"upper": (0, 1, 2), "middle": (2, 3, 4), "lower": (4, 5, 6)}


def block(x: torch.Tensor, linear: nn.Linear, norm: nn.BatchNorm1d, part: slice = slice(None)) -> torch.Tensor:
    """Linear, batch normalization by hand, ReLU on ``n p d``."""
    y = x @ linear.weight[part].T + linear.bias[part]
    mean, variance = y.mean((0, 1)), y.var((0, 1), unbiased=False)
    return ((y - mean) / (variance + 1e-5).sqrt() * norm.weight[part] + norm.bias[part]).clamp(min=0)


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda s: s.name)
def test_nodes_and_logits_equal_a_loop_over_action_units(au_set: ActionUnitSet) -> None:
    torch.manual_seed(0)
    width = 6
    local = LocalRelationships(au_set=au_set, width=width).train()
    features = torch.randn(3, 7, 7, width)
    nodes, logits = local(features)
    for n, au in enumerate(au_set.aus):
        r = next(r for r, group in enumerate(au_set.groups) if au in group.aus)
        group, part = au_set.groups[r], local.groups[r]
        x = torch.stack([features[:, row, column] for row in ROWS[group.region.name] for column in range(7)], 1)
        if au_set is BP4D:
            x = block(x, part.region_block.linear, part.region_block.norm)
        bit = group.aus.index(au)
        own = slice(width * bit, width * (bit + 1))
        blocks = part.au_blocks.blocks
        torch.testing.assert_close(nodes[:, n], block(x, blocks.linear, blocks.norm, own).mean(1), atol=1e-5, rtol=1e-4)
        expected = x.mean(1) @ part.pattern_head.weight.T + part.pattern_head.bias
        torch.testing.assert_close(logits[r], expected, atol=1e-5, rtol=1e-4)
    assert [x.shape[-1] for x in logits] == [2 ** len(group.aus) for group in au_set.groups]


@pytest.mark.parametrize(("height", "rows"), [(3, [2, 3, 2]), (4, [2, 2, 2]), (5, [3, 3, 3]), (7, [3, 3, 3])])
def test_regions_of_other_grids_round_outward(height: int, rows: list[int]) -> None:
    regions = [BP4D.groups[r].region for r in (0, 1, 2)]
    assert [region_positions(torch.zeros(1, height, 1, 1), region).shape[1] for region in regions] == rows


def test_without_regions_every_action_unit_reads_the_whole_face() -> None:
    torch.manual_seed(0)
    module = FullFaceNodes(au_set=DISFA, width=4).train()
    features = torch.randn(3, 2, 2, 4)
    nodes, logits = module(features)
    blocks = module.au_blocks.blocks
    for n in range(8):
        expected = block(features.flatten(1, 2), blocks.linear, blocks.norm, slice(4 * n, 4 * n + 4)).mean(1)
        torch.testing.assert_close(nodes[:, n], expected, atol=1e-5, rtol=1e-4)
    assert logits == ()
