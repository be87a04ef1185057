"""Weights in bfloat16, so that autocasting does not convert them in every forward pass."""

import torch
from torch import nn


def cast_weights(network: nn.Module) -> nn.Module:
    """Convert the weights of convolutions and linear layers to bfloat16, in place, and return the network.

    For inference under autocast to bfloat16. The outputs are the same as without this conversion.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.to(torch.bfloat16)
    return network
