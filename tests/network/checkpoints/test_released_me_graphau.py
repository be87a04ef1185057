import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mdhr.action_units import DISFA
from mdhr.errors import InputError
from mdhr.network.checkpoints.released_me_graphau import (
    load_released_me_graphau,
    load_released_me_graphau_state,
    me_graphau_mappings,
)
from mdhr.network.me_graphau.me_graphau import MEGraphAU
from mdhr.network.parity.comparison import GOLDEN
from mdhr.network.parity.me_graphau import ME_GRAPHAU, released_me_graphau

Make = Callable[..., MEGraphAU]


def released_shapes(name: str) -> dict[str, Tensor]:
    shapes = json.loads((GOLDEN / f"{name}_keys.json").read_text())
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


def released_layout(network: MEGraphAU) -> dict[str, Tensor]:
    """Return the tensors of a network in the layout of the released code."""
    state, released = network.state_dict(), {}
    for mapping in me_graphau_mappings(network):
        tensor, many = state[mapping.name], len(mapping.released)
        pieces = (
            [tensor] * many
            if mapping.name.endswith("num_batches_tracked")
            else tensor.chunk(many)
            if many > 1
            else [tensor]
        )
        released |= {key: piece.clone() for key, piece in zip(mapping.released, pieces, strict=True)}
    return released


@pytest.mark.parametrize("name", ME_GRAPHAU)
def test_every_released_key_is_mapped(name: str) -> None:
    with torch.device("meta"):
        network = released_me_graphau(name)
    released = released_shapes(name)
    load_released_me_graphau_state(
        network, {"state_dict": {f"module.{key}": x for key, x in released.items()}, "epoch": 3}
    )
    assert {mapping.name for mapping in me_graphau_mappings(network)} == set(network.state_dict())
    buffers = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index", "attn_mask")
    trained = sum(x.numel() for key, x in released.items() if not key.endswith(buffers))
    assert sum(p.numel() for p in network.parameters()) == trained


@pytest.mark.parametrize("stage", [1, 2])
def test_checkpoint_file_restores_the_network(stage: int, tmp_path: Path, small_me_graphau: Make) -> None:
    network, other = small_me_graphau(stage=stage), small_me_graphau(stage=stage)
    torch.save({"state_dict": released_layout(network)}, tmp_path / "released.pth")
    load_released_me_graphau(other, tmp_path / "released.pth")
    assert all(torch.equal(x, network.state_dict()[key]) for key, x in other.state_dict().items())


def test_another_stage_action_unit_set_or_network_raises(tmp_path: Path, small_me_graphau: Make) -> None:
    network = small_me_graphau(stage=2)
    with pytest.raises(
        InputError, match=r"the checkpoint is of stage 1, but the network is of stage 2\. Set network.stage=1"
    ):
        load_released_me_graphau_state(network, released_layout(small_me_graphau(stage=1)))
    with pytest.raises(InputError, match=r"predicts 8 action units, but the network predicts 12 \(BP4D\)"):
        load_released_me_graphau_state(network, released_layout(small_me_graphau(au_set=DISFA)))
    with pytest.raises(InputError, match="a checkpoint of OpenGraphAU, which predicts 41 action units"):
        load_released_me_graphau_state(network, {"head.main_sc": torch.zeros(27, 4), "head.sub_sc": torch.zeros(14, 4)})
    released = released_layout(network)
    released["head.more"] = released.pop("head.edge_fc.bias")
    torch.save(released, tmp_path / "released.pth")
    with pytest.raises(
        InputError, match=r"released.pth: .* 1 missing \(head.edge_fc.bias\); 1 unexpected \(head.more\)"
    ):
        load_released_me_graphau(network, tmp_path / "released.pth")
    with pytest.raises(InputError, match=r"checkpoint '.*absent.pth' does not exist"):
        load_released_me_graphau(network, tmp_path / "absent.pth")
