"""Parameters and multiply-adds of a network (paper, Table 5).

Networks are counted on the meta device: the counts are exact and no tensor is allocated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

OUTSIDE_LAYERS = (
    "relative_position_bias_table",
    "similarity.prototypes",
    "attention.a_src",
    "attention.a_dst",
    "attention.bias",
)
"""Name endings of parameters that do not belong to a linear, convolution or normalization layer."""
_BETWEEN_ACTIVATIONS = ("bmm", "scaled_dot_product")


@dataclass(frozen=True)
class OperationCount:
    """Size and cost of a network."""

    parameters: int
    multiply_adds_per_frame: float
    """Multiply-adds of matrix products and convolutions; a multiplication and an addition count as one."""
    layer_parameters: int
    """Parameters without :data:`OUTSIDE_LAYERS`."""
    layer_multiply_adds_per_frame: float
    """Multiply-adds without products of two activations, as in attention. Counters that inspect layers omit them."""

    @property
    def flops_per_frame(self) -> float:
        """Operations under the convention that counts multiplications and additions as one each."""
        return 2 * self.multiply_adds_per_frame


def count_operations(build: Callable[[], nn.Module], *, num_frames: int, size: int) -> OperationCount:
    """Count a network in evaluation mode.

    Args:
        build: returns the network; called on the meta device, so it must not load weights.
        num_frames: T of the clip. The cost per frame depends on it slightly, because a clip has T - 1 temporal differences.
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
    """Return the number of parameters, without buffers such as running statistics."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_by_module(network: nn.Module, frames: Tensor) -> dict[str, float]:
    """Return the multiply-adds per frame of each direct child of a network.

    Args:
        frames: clips ``(B, T, 3, H, W)`` on the device of the network.
    """
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(frames)
    num_frames, root = frames.shape[0] * frames.shape[1], type(network).__name__
    counts = counter.get_flop_counts()
    return {
        name: sum(counts.get(f"{root}.{name}", {}).values()) / 2 / num_frames for name, _ in network.named_children()
    }
