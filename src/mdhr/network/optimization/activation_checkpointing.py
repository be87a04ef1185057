"""Activation checkpointing: recompute activations in the backward pass instead of storing them.

Losses, gradients and batch statistics are unchanged. A compiled network ignores it, because the compiler itself selects
what to recompute.

timm's ``set_grad_checkpointing`` is not used because it updates the running statistics of batch normalization twice per
step.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts


def recompute(
    function: Callable[..., Any], *inputs: Tensor, module: nn.Module, store_convolutions: bool = False
) -> Any:
    """Return ``function(*inputs)``; the backward pass calls the function again instead of storing its activations.

    Args:
        module: contains the modules that the function calls. In evaluation mode all activations are stored.
        store_convolutions: store the outputs of convolutions, so that they run only once. The function must not modify
            them in place.
    """
    if not (module.training and torch.is_grad_enabled()) or torch.compiler.is_compiling():
        return function(*inputs)
    contexts = partial(_contexts, module, store_convolutions)
    return checkpoint(function, *inputs, use_reentrant=False, context_fn=contexts)


def checkpoint_blocks(model: nn.Module) -> None:
    """Enable activation checkpointing for every block of a timm model, in place; parameter names do not change."""
    for block in innermost_blocks(model):
        block.forward = MethodType(_checkpointed_forward, block)  # type: ignore[method-assign]


def innermost_blocks(model: nn.Module) -> list[nn.Module]:
    """Return the repeated blocks of a model: children of ``nn.Sequential`` that have children and contain no block."""
    composed = [
        child
        for sequence in model.modules()
        if isinstance(sequence, nn.Sequential)
        for child in sequence
        if any(True for _ in child.children())
    ]
    return [block for block in composed if not any(other in composed for other in list(block.modules())[1:])]


def _checkpointed_forward(block: nn.Module, *inputs: Tensor) -> Any:
    return recompute(partial(type(block).forward, block), *inputs, module=block)


def _contexts(
    module: nn.Module, store_convolutions: bool
) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Return the contexts of the forward pass and of the recomputation."""
    forward, again = (
        create_selective_checkpoint_contexts(_convolution_policy)
        if store_convolutions
        else (nullcontext(), nullcontext())
    )
    return forward, _fixed_running_statistics(module, again)


def _convolution_policy(ctx: Any, operator: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    """Store the outputs of convolutions of feature maps, not of pooled vectors as in squeeze-and-excitation.

    The latter cost little, and activation functions modify them in place.
    """
    stored = operator is torch.ops.aten.convolution.default and args[0].shape[2:].numel() > 1
    return CheckpointPolicy.MUST_SAVE if stored else CheckpointPolicy.PREFER_RECOMPUTE


@contextmanager
def _fixed_running_statistics(module: nn.Module, context: AbstractContextManager[Any]) -> Iterator[None]:
    """Enter the context and keep running statistics of batch normalization, so that no batch is counted twice."""
    norms = [norm for norm in module.modules() if isinstance(norm, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    counts = [norm.num_batches_tracked for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        norm.num_batches_tracked = None
    try:
        with context:
            yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
