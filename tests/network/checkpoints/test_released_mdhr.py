import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mdhr.action_units import BP4D, DISFA, ActionUnitSet, action_unit_set
from mdhr.errors import InputError
from mdhr.network.checkpoints.released_mdhr import load_released_mdhr, load_released_mdhr_state, mdhr_mappings
from mdhr.network.mdhr import MDHR
from mdhr.network.parity.comparison import GOLDEN, NETWORKS
from mdhr.network.parity.generated_tensors import random_backbone


def released_network(name: str) -> MDHR:
    """Return one of the four released networks on the meta device."""
    data_set, _, backbone = name.partition("_")
    with torch.device("meta"):
        return MDHR(
            backbone=random_backbone(backbone),
            au_set=action_unit_set(data_set.upper()),
            width=None,
            temporal_radius=5,
            use_mfd=True,
            use_hsr=True,
            use_tcn=True,
        )


def released_shapes(name: str) -> dict[str, Tensor]:
    shapes = json.loads((GOLDEN / f"{name}_keys.json").read_text())
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


def released_layout(network: MDHR) -> dict[str, Tensor]:
    """Return the tensors of a network in the layout of the released code."""
    state, released = network.state_dict(), {}
    for mapping in mdhr_mappings(network):
        tensor, many = state[mapping.name], len(mapping.released)
        if mapping.name.endswith("num_batches_tracked"):
            pieces = [tensor] * many
        elif mapping.name == "tcn.weight":
            pieces = [kernels.unsqueeze(1) for kernels in tensor]
        elif mapping.name == "tcn.bias":
            pieces = list(tensor)
        elif "projections" in mapping.name and mapping.name.endswith("linear.weight"):
            patch = 8 >> int(mapping.name.split(".")[2])
            pieces = [tensor.unflatten(1, (patch, patch, -1)).permute(0, 3, 1, 2)]
        else:
            pieces = tensor.chunk(many) if many > 1 else [tensor]
        released |= {key: piece.clone() for key, piece in zip(mapping.released, pieces, strict=True)}
    return released


@pytest.mark.parametrize("name", NETWORKS)
def test_every_released_key_is_mapped(name: str) -> None:
    network, released = released_network(name), released_shapes(name)
    load_released_mdhr_state(network, released)
    load_released_mdhr_state(network, {"state_dict": {f"module.{key}": x for key, x in released.items()}, "epoch": 3})
    assert {mapping.name for mapping in mdhr_mappings(network)} == set(network.state_dict())


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda s: s.name)
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [True, False])
def test_checkpoint_file_restores_the_network(
    au_set: ActionUnitSet, prefix: str, wrapped: bool, tmp_path: Path, small_mdhr: Callable[..., MDHR]
) -> None:
    torch.manual_seed(0)
    network, other = small_mdhr(au_set=au_set), small_mdhr(au_set=au_set)
    state = {prefix + key: x for key, x in released_layout(network).items()}
    torch.save({"state_dict": state} if wrapped else state, tmp_path / "released.pth")
    load_released_mdhr(other, tmp_path / "released.pth")
    assert all(torch.equal(x, network.state_dict()[key]) for key, x in other.state_dict().items())


def test_missing_and_unexpected_keys_are_named(small_mdhr: Callable[..., MDHR]) -> None:
    network = small_mdhr()
    released = released_layout(network)
    released["MFD.extra"] = released.pop("CRM.gat.bias")
    with pytest.raises(InputError, match=r"1 missing \(CRM.gat.bias\); 1 unexpected \(MFD.extra\)"):
        load_released_mdhr_state(network, released)
    released["CRM.gat.bias"] = torch.zeros(7)
    del released["MFD.extra"]
    with pytest.raises(InputError, match=r"1 misshapen \(cross_region.attention.bias \(7,\) instead of \(32,\)\)"):
        load_released_mdhr_state(network, released)


def test_another_action_unit_set_or_backbone_raises() -> None:
    with pytest.raises(InputError, match=r"predicts 8 action units, but the network predicts 12 \(BP4D\)"):
        load_released_mdhr_state(released_network("bp4d_resnet50"), released_shapes("disfa_resnet50"))
    with pytest.raises(
        InputError, match="backbone of the checkpoint is a Swin Transformer, but that of the network is a ResNet"
    ):
        load_released_mdhr_state(released_network("bp4d_resnet50"), released_shapes("bp4d_swin_base"))
    with pytest.raises(
        InputError, match="backbone of the checkpoint is a ResNet, but that of the network is a SwinTransformer"
    ):
        load_released_mdhr_state(released_network("bp4d_swin_base"), released_shapes("bp4d_resnet50"))


def test_ablated_networks_have_no_released_checkpoint(small_mdhr: Callable[..., MDHR]) -> None:
    with pytest.raises(InputError, match="Set use_mfd, use_hsr and use_tcn to true"):
        load_released_mdhr_state(small_mdhr(use_mfd=False), {})


def test_invalid_checkpoint_files_raise(tmp_path: Path, small_mdhr: Callable[..., MDHR]) -> None:
    with pytest.raises(InputError, match=r"checkpoint '.*absent.pth' does not exist"):
        load_released_mdhr(small_mdhr(), tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(InputError, match=r"text.pth. is a text file, not a checkpoint") as caught:
        load_released_mdhr(small_mdhr(), tmp_path / "text.pth")
    assert "\n" not in str(caught.value)
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other.pth: the checkpoint does not fit this network: \d+ missing"):
        load_released_mdhr(small_mdhr(), tmp_path / "other.pth")
