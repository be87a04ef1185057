"""Activation checkpointing gives the same training step with less memory."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mdhr.network.backbone import Backbone
from mdhr.network.optimization.activation_checkpointing import innermost_blocks
from tests.network.live_memory import LiveMemory


def backbone(name: str, *, activation_checkpointing: bool) -> Backbone:
    torch.manual_seed(0)
    drop_path_rate = 0.5 if name.startswith("swin") else 0.0
    return Backbone(
        name=name, pretrained=False, weights=None, feature_source="stage_output",
        drop_path_rate=drop_path_rate, input_size=64, activation_checkpointing=activation_checkpointing,
    )  # fmt: skip


def training_step(model: Backbone, dtype: torch.dtype = torch.float32) -> tuple[dict[str, Tensor], int]:
    """Return the gradients of all parameters and the bytes of the stored activations."""
    torch.manual_seed(1)
    frames = torch.randn(4, 3, 64, 64, dtype=dtype)
    memory = LiveMemory(frames, *model.parameters(), *model.buffers())
    with memory:
        scales, _ = model(frames)
        loss = sum(x.square().mean() for x in scales)
    size = memory.size
    loss.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}, size


def assert_equal_step(one: Backbone, other: Backbone, gradients: dict[str, Tensor], same: dict[str, Tensor]) -> None:
    for parameter, gradient in gradients.items():
        torch.testing.assert_close(same[parameter], gradient)
    for state, value in one.state_dict().items():  # includes running statistics
        torch.testing.assert_close(other.state_dict()[state], value)


@pytest.mark.parametrize(
    ("name", "share"),
    [("resnet18", 0.8), ("resnet50", 0.7), ("mobilenetv3_small_050", 0.6), ("swin_tiny_patch4_window7_224", 0.6)],
)
def test_training_step_is_equal_and_stores_less(name: str, share: float) -> None:
    """A ResNet stores less without checkpointing as well, hence the larger share."""
    plain, again = backbone(name, activation_checkpointing=False), backbone(name, activation_checkpointing=True)
    gradients, size = training_step(plain)
    same_gradients, smaller = training_step(again)
    assert smaller < share * size
    assert_equal_step(plain, again, gradients, same_gradients)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet10t", "seresnet50"])
def test_resnet_stores_outputs_of_convolutions_only(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = backbone(name, activation_checkpointing=False).double()
    reference = copy.deepcopy(model)
    gradients, smaller = training_step(model, torch.float64)
    call = lambda function, *inputs, **options: function(*inputs)  # noqa: E731
    monkeypatch.setattr("mdhr.network.backbone.recompute", call)
    expected, size = training_step(reference, torch.float64)
    assert smaller < 0.7 * size
    assert_equal_step(reference, model, expected, gradients)


def test_resnet_maps_are_those_of_timm() -> None:
    model = backbone("resnet18", activation_checkpointing=False).train()
    frames = torch.randn(2, 3, 64, 64)
    expected = model.model.forward_intermediates(frames, indices=model.indices, intermediates_only=True)
    for one, other in zip(model(frames).scales, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_convolutions_run_once() -> None:
    model = backbone("resnet18", activation_checkpointing=False).train()
    with FlopCounterMode(display=False) as stored:
        sum(x.sum() for x in model(torch.randn(1, 3, 64, 64)).scales).backward()
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        model(torch.randn(1, 3, 64, 64))
    frame_gradient = 2 * model.model.conv1.weight.numel() * 32 * 32  # not computed
    assert stored.get_total_flops() == 3 * forward.get_total_flops() - frame_gradient


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
