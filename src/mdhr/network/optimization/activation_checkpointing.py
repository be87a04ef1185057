"""Activation checkpointing for backbone blocks.

Training stores only the inputs of the blocks; the activations inside are recomputed in the backward pass, which costs
about one more forward pass of the backbone. Losses, gradients and batch statistics are unchanged.

timm's ``set_grad_checkpointing`` is not used because it updates the running statistics of batch normalization twice per
step.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


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
    forward = partial(type(block).forward, block)
    if not torch.is_grad_enabled():
        return forward(*inputs)
    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=partial(_contexts, block))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return the contexts of the forward pass and of the recomputation."""
    return nullcontext(), _fixed_running_statistics(block)


@contextmanager
def _fixed_running_statistics(block: nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch normalization unchanged, so that no batch is counted twice."""
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    counts = [norm.num_batches_tracked for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        norm.num_batches_tracked = None
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
