"""Activation checkpointing gives the same training step with less memory."""

import copy

import pytest
import torch
from torch import Tensor, nn

from mdhr.network.backbone import Backbone
from mdhr.network.optimization.activation_checkpointing import innermost_blocks


def backbone(name: str, *, activation_checkpointing: bool) -> Backbone:
    torch.manual_seed(0)
    drop_path_rate = 0.5 if name.startswith("swin") else 0.0
    return Backbone(
        name=name, pretrained=False, weights=None, feature_source="stage_output",
        drop_path_rate=drop_path_rate, input_size=64, activation_checkpointing=activation_checkpointing,
    )  # fmt: skip


def training_step(model: Backbone) -> tuple[dict[str, Tensor], int]:
    """Return the gradients of all parameters and the bytes of the saved activations."""
    kept: dict[int, int] = {}
    own = {parameter.data_ptr() for parameter in model.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    torch.manual_seed(1)
    frames = torch.randn(4, 3, 64, 64)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        scales, _ = model(frames)
        loss = sum(x.square().mean() for x in scales)
    size = sum(kept.values())
    loss.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}, size


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "swin_tiny_patch4_window7_224"])
def test_training_step_is_equal_and_saves_less(name: str) -> None:
    plain, again = backbone(name, activation_checkpointing=False), backbone(name, activation_checkpointing=True)
    gradients, size = training_step(plain)
    same_gradients, smaller = training_step(again)
    assert smaller < 0.6 * size
    for parameter, gradient in gradients.items():
        torch.testing.assert_close(same_gradients[parameter], gradient)
    for state, value in plain.state_dict().items():  # includes running statistics
        torch.testing.assert_close(again.state_dict()[state], value)


def test_copy_uses_its_own_parameters() -> None:
    model = backbone("resnet18", activation_checkpointing=True)
    twin = copy.deepcopy(model)
    nn.init.zeros_(twin.model.layer1[0].conv1.weight)
    training_step(twin)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert twin.model.layer1[0].conv1.weight.grad is not None


def test_number_of_blocks() -> None:
    assert len(innermost_blocks(backbone("resnet18", activation_checkpointing=False).model)) == 8
    assert len(innermost_blocks(backbone("swin_tiny_patch4_window7_224", activation_checkpointing=False).model)) == 12
