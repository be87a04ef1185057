"""Less memory in the backward pass: fewer temporary maps, and large weight gradients as late as possible."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


class _ClipDifference(torch.autograd.Function):
    @staticmethod
    def forward(clips: Tensor) -> Tensor:
        return clips[:, 1:] - clips[:, :-1]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = F.pad(gradient, (0,) * 2 * (gradient.dim() - 2) + (1, 0))
        total[:, :-1] -= gradient
        return total


def clip_difference(clips: Tensor) -> Tensor:
    """Return ``clips[:, 1:] - clips[:, :-1]`` with one temporary map in the backward pass; autograd needs three."""
    return _ClipDifference.apply(clips)


def defer_backward(output: Tensor, source: Tensor) -> None:
    """Run the backward pass of ``output`` directly before that of ``source``, from which it was computed.

    Autograd runs the most recent operation first. It would compute the large weight gradients of MFD while all activations
    of the backbone are stored. The gradients are the same in both orders. PyTorch has no public function for this.
    """
    if not torch.compiler.is_compiling() and output.grad_fn is not None and source.grad_fn is not None:
        output.grad_fn._set_sequence_nr(source.grad_fn._sequence_nr())  # type: ignore[attr-defined]
