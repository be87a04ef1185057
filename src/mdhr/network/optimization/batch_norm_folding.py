"""Fold frozen batch normalization into the preceding linear or convolutional layer."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from mdhr.network.backbone import Backbone
from mdhr.network.blocks import LinearBlock
from mdhr.network.tcn import TemporalConvolution


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Return a copy of the network for inference with batch normalization folded into linear layers and convolutions.

    The outputs are equal up to rounding. Normalizations that do not directly follow such a layer remain. Fused
    attention is enabled in timm's Swin Transformers.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(network.modules()):
        if isinstance(module, LinearBlock):
            _fold(module.linear, module.norm, fuse_linear_bn_weights)
            module.set_submodule("norm", nn.Identity())
        elif isinstance(module, TemporalConvolution):
            factor, shift = _affine(module.norm)  # N each: one channel per action unit
            module.weight.data *= factor[:, None, None]
            module.bias.data = module.bias * factor[:, None] + shift[:, None]
            module.set_submodule("norm", nn.Identity())
        elif isinstance(module, Backbone):
            _fold_backbone(module)
        elif hasattr(module, "fused_attn"):
            module.fused_attn = True  # type: ignore[assignment]
    return network


@torch.no_grad()
def _fold_backbone(backbone: Backbone) -> None:
    """Fold every batch normalization whose input is the output of a convolution, found by tracing one frame."""
    sources: dict[int, tuple[Tensor, nn.Conv2d]] = {}  # holds the tensors so that no id is reused
    pairs: dict[nn.BatchNorm2d, nn.Conv2d] = {}

    def after_convolution(module: nn.Conv2d, _: object, output: Tensor) -> None:
        sources[id(output)] = output, module

    def before_norm(module: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        if id(inputs[0]) in sources:
            pairs[module] = sources[id(inputs[0])][1]

    hooks = []
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(after_convolution))
        elif type(module) is nn.BatchNorm2d:  # not timm's subclasses, which include an activation
            hooks.append(module.register_forward_pre_hook(before_norm))
    device = next(backbone.parameters()).device
    backbone(torch.zeros(1, 3, backbone.input_size, backbone.input_size, device=device))
    for hook in hooks:
        hook.remove()
    names = {module: name for name, module in backbone.named_modules()}
    for norm, conv in pairs.items():
        _fold(conv, norm, fuse_conv_bn_weights)
        backbone.set_submodule(names[norm], nn.Identity())


def _fold(
    layer: nn.Linear | nn.Conv2d, norm: _BatchNorm, fuse: Callable[..., tuple[nn.Parameter, nn.Parameter]]
) -> None:
    weight, bias = fuse(
        layer.weight, layer.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )  # fmt: skip
    channels_last = layer.weight.dim() == 4 and layer.weight.is_contiguous(memory_format=torch.channels_last)
    layer.weight = weight.to(memory_format=torch.channels_last) if channels_last else weight
    layer.bias = bias


def _affine(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Return the factor and the shift per channel of a batch normalization in evaluation mode."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    factor = norm.weight / torch.sqrt(variance + norm.eps)
    return factor, norm.bias - mean * factor
