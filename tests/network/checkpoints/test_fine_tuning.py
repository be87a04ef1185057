"""Test the transfer of weights to a network with another action unit set."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from mdhr.action_units import BP4D, DISFA, ActionUnitSet, action_unit_set
from mdhr.errors import InputError
from mdhr.network.checkpoints.fine_tuning import CopyReport, transfer_weights
from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU

NINE = action_unit_set("nine", [12, 1, 45, 2, 4, 6, 9, "L14", 25])


def randomized(network: nn.Module, seed: int) -> nn.Module:
    """Return the network in evaluation mode with random weights and statistics."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return network.eval()


def transfer(trained: MDHR | MEGraphAU, network: MDHR | MEGraphAU) -> CopyReport:
    state, report = transfer_weights(
        trained.state_dict(), network.state_dict(), trained_set=trained.au_set, au_set=network.au_set
    )
    network.load_state_dict(state)
    return report


@pytest.mark.parametrize("au_set", [BP4D, DISFA, NINE], ids=lambda s: s.name)
def test_everything_is_copied_to_the_same_set(au_set: ActionUnitSet, small_mdhr: Callable[..., MDHR]) -> None:
    trained, network = randomized(small_mdhr(au_set=au_set), 1), randomized(small_mdhr(au_set=au_set), 2)
    report = transfer(trained, network)
    assert (report.common, report.new, report.initialized) == (au_set.aus, (), ())
    expected = trained.state_dict()
    assert all(torch.equal(x, expected[key]) for key, x in network.state_dict().items())


@pytest.mark.parametrize("stage", [1, 2])
def test_everything_of_me_graphau_is_copied(stage: int, small_me_graphau: Callable[..., MEGraphAU]) -> None:
    trained = randomized(small_me_graphau(au_set=DISFA, stage=stage), 1)
    network = randomized(small_me_graphau(au_set=DISFA, stage=stage), 2)
    assert transfer(trained, network).initialized == ()
    expected = trained.state_dict()
    assert all(torch.equal(x, expected[key]) for key, x in network.state_dict().items())


@pytest.mark.parametrize("use_hsr", [True, False])
def test_nodes_of_common_action_units_are_those_of_the_trained_network(
    use_hsr: bool, small_mdhr: Callable[..., MDHR]
) -> None:
    trained, network = (randomized(small_mdhr(au_set=s, use_hsr=use_hsr), i) for i, s in enumerate((DISFA, NINE)))
    fresh = {key: x.clone() for key, x in network.state_dict().items()}
    report = transfer(trained, network)
    assert report.common == (12, 1, 2, 4, 6, 9, 25)
    assert report.new == (45, "L14")
    features = torch.rand(4, 2, 2, 32)
    ours, theirs = network.local(features).nodes, trained.local(features).nodes
    ours, theirs = (each.tcn(nodes, 4) for each, nodes in ((network, ours), (trained, theirs)))
    ours, theirs = network.similarity(ours), trained.similarity(theirs)
    for au in report.common:
        torch.testing.assert_close(ours[:, NINE.aus.index(au)], theirs[:, DISFA.aus.index(au)])
    for key in ("tcn.weight", "similarity.prototypes"):
        assert all(torch.equal(network.state_dict()[key][n], fresh[key][n]) for n in (2, 7))
    shared = {k for k in fresh if k.startswith(("backbone.", "static.", "mfd.", "cross_region."))}
    assert all(torch.equal(network.state_dict()[k], trained.state_dict()[k]) for k in shared)


def test_pattern_head_is_copied_with_its_group(small_mdhr: Callable[..., MDHR]) -> None:
    trained, network = (randomized(small_mdhr(au_set=s), i) for i, s in enumerate((DISFA, NINE)))
    report = transfer(trained, network)
    same = [any(group.aus == other.aus for other in DISFA.groups) for group in NINE.groups]
    assert same == [False, True, False, False] or same.count(True) == 1
    kept = next(r for r, is_same in enumerate(same) if is_same)
    heads = {key for key in report.initialized if "pattern_head" in key}
    assert len(heads) == 2 * (len(NINE.groups) - 1)
    assert not any(key.startswith(f"local.groups.{kept}.") for key in heads)


def test_region_block_comes_from_the_group_with_most_common_action_units(small_mdhr: Callable[..., MDHR]) -> None:
    other = action_unit_set("other", [17, 23, 24, 12], region_block=True)
    trained, network = (randomized(small_mdhr(au_set=s), i) for i, s in enumerate((BP4D, other)))
    transfer(trained, network)
    assert torch.equal(
        network.local.groups[0].region_block.linear.weight, trained.local.groups[3].region_block.linear.weight
    )


def test_summary_names_new_action_units(small_mdhr: Callable[..., MDHR]) -> None:
    report = transfer(small_mdhr(au_set=DISFA), small_mdhr(au_set=NINE))
    assert "AU12, AU1, AU2, AU4, AU6, AU9, AU25; AU45, L14 start from random weights" in report.summary
    assert "pattern_head" in report.summary
    assert "\n" not in report.summary


@pytest.mark.parametrize(("switches", "message"), [({"width": 16}, "network.width"), ({"au_set": BP4D}, "")])
def test_another_width_is_refused(switches: dict, message: str, small_mdhr: Callable[..., MDHR]) -> None:
    trained, network = small_mdhr(au_set=DISFA), small_mdhr(**({"au_set": DISFA} | switches))
    if not message:
        transfer(trained, network)
        return
    with pytest.raises(InputError, match=message):
        transfer(trained, network)


def test_another_backbone_is_refused(small_mdhr: Callable[..., MDHR]) -> None:
    network = small_mdhr(au_set=DISFA)
    trained = {key: x for key, x in network.state_dict().items() if "blocks.0" not in key}
    with pytest.raises(InputError, match="another backbone"):
        transfer_weights(trained, network.state_dict(), trained_set=DISFA, au_set=DISFA)
