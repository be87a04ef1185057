"""How large a network is and what a frame costs (paper Table 5).

Counted on the meta device, where tensors have shapes and no numbers: exact, and done in a moment for any size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

OUTSIDE_LAYERS = (
    "relative_position_bias_table",
    "similarity.anchors",
    "attention.source",
    "attention.target",
    "attention.bias",
)
"""Ends of the names of parameters that are no weight or bias of a linear, convolution or normalization layer."""
_BETWEEN_ACTIVATIONS = ("bmm", "scaled_dot_product")


@dataclass(frozen=True)
class OperationCount:
    """Size and cost of a network."""

    parameters: int
    multiply_adds_per_frame: float
    """One multiplication with one addition counts as one; matrix products and convolutions are counted."""
    layer_parameters: int
    """Without those that released code keeps outside of layers (:data:`OUTSIDE_LAYERS`)."""
    layer_multiply_adds_per_frame: float
    """Without products of two activations, as in attention. A counter that looks at layers alone sees neither."""

    @property
    def flops_per_frame(self) -> float:
        """The other convention: multiplications and additions count one each."""
        return 2 * self.multiply_adds_per_frame


def count_operations(build: Callable[[], nn.Module], *, num_frames: int, size: int) -> OperationCount:
    """Count a network in evaluation mode.

    Parameters
    ----------
    build: makes the network; called on the meta device, so it must not load weights.
    num_frames: T of the clip that is counted. Temporal differences are one fewer than frames, so it matters a little.
    size: height and width of the frames in pixels.
    """
    with torch.device("meta"):
        network = build().eval()
        frames = torch.empty(1, num_frames, 3, size, size)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(frames)
    by_operation = counter.get_flop_counts()["Global"]
    between = sum(n for operation, n in by_operation.items() if any(x in str(operation) for x in _BETWEEN_ACTIVATIONS))
    parameters, total = count_parameters(network), counter.get_total_flops()
    outside = sum(x.numel() for name, x in network.named_parameters() if name.endswith(OUTSIDE_LAYERS))
    return OperationCount(
        parameters=parameters,
        multiply_adds_per_frame=total / 2 / num_frames,
        layer_parameters=parameters - outside,
        layer_multiply_adds_per_frame=(total - between) / 2 / num_frames,
    )


def count_parameters(network: nn.Module) -> int:
    """Trained numbers in a network; buffers such as running statistics are none."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_by_module(network: nn.Module, frames: Tensor) -> dict[str, float]:
    """Multiply-adds per frame of each direct part of a network, for clips ``B T 3 H W`` on the network's device."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(frames)
    num_frames, root = frames.shape[0] * frames.shape[1], type(network).__name__
    counts = counter.get_flop_counts()
    return {
        name: sum(counts.get(f"{root}.{name}", {}).values()) / 2 / num_frames for name, _ in network.named_children()
    }
