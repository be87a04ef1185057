"""Less memory in training: what happens inside a block of the backbone is computed again when its gradient is due.

Only what goes into a block is kept. The outcome is the same; a training step takes about one forward pass of the
backbone more.
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


def recompute_blocks(model: nn.Module) -> None:
    """Change every block of a timm model so that it keeps its input alone; parameters and their names stay."""
    for block in innermost_blocks(model):
        block.forward = MethodType(_forward, block)  # type: ignore[method-assign]


def innermost_blocks(model: nn.Module) -> list[nn.Module]:
    """The repeated parts of a model: composed children of sequences, and of nested sequences the innermost."""
    composed = [
        child
        for sequence in model.modules()
        if isinstance(sequence, nn.Sequential)
        for child in sequence
        if any(True for _ in child.children())
    ]
    return [block for block in composed if not any(other in composed for other in list(block.modules())[1:])]


def _forward(block: nn.Module, *inputs: Tensor) -> Any:
    forward = partial(type(block).forward, block)
    if not torch.is_grad_enabled():
        return forward(*inputs)
    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=partial(_contexts, block))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """For the first pass and for the second, which must not count the batch once more in the running statistics."""
    return nullcontext(), _statistics_kept(block)


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
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
