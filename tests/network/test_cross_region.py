import pytest
import torch
from torch.nn import functional as F

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.network.cross_region import CrossRegionGraph, gated_adjacency, predicted_active


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda s: s.name)
def test_edges_lead_to_predicted_action_units_of_other_groups(au_set: ActionUnitSet) -> None:
    occurrence = (torch.rand(20, len(au_set.aus), generator=torch.manual_seed(0)) < 0.4).long()
    logits = [
        F.one_hot(pattern, group.num_patterns).float()
        for pattern, group in zip(au_set.region_pattern(occurrence).unbind(-1), au_set.groups, strict=True)
    ]
    active = predicted_active(logits, au_set)
    assert torch.equal(active, occurrence.bool())
    adjacency = gated_adjacency(au_set.cross_region(), active)
    for b in range(20):
        for i, au in enumerate(au_set.aus):
            for j, other in enumerate(au_set.aus):
                same = any(au in group.aus and other in group.aus for group in au_set.groups)
                assert adjacency[b, i, j].item() == (i == j or (not same and bool(occurrence[b, j])))


def test_no_gradient_passes_through_the_gate() -> None:
    graph = CrossRegionGraph(au_set=DISFA, width=4)
    logits = [torch.randn(2, group.num_patterns, requires_grad=True) for group in DISFA.groups]
    graph(torch.randn(2, 8, 4), logits).sum().backward()
    assert all(x.grad is None for x in logits)
