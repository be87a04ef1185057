"""Arithmetic limit of this machine: its rate of matrix products, and the operations of the networks.

`python benchmarks/roofline.py` prints the rates. No network whose cost is matrix products and convolutions is faster
than its operations divided by this rate, except with algorithms that need fewer operations, such as Winograd's.
"""

import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mdhr.config.precision import has_bfloat16

CPU = torch.device("cpu")
SIDE, REPEATS = 2048, 5
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def is_available(precision: str) -> bool:
    """Return whether the processor computes in this precision."""
    return precision == "float32" or has_bfloat16(CPU)


def synchronize(device: torch.device) -> None:
    """Wait until an accelerator has finished its work."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def matrix_product_rate(precision: str, *, device: torch.device = CPU, side: int = SIDE) -> float:
    """Return operations per second of products of square matrices of ``side`` rows; the fastest of several."""
    a, b = (torch.rand(side, side, device=device).to(PRECISIONS[precision]) for _ in range(2))
    seconds = []
    for _ in range(REPEATS):
        synchronize(device)
        started = time.perf_counter()
        a @ b
        synchronize(device)
        seconds.append(time.perf_counter() - started)
    return 2 * side**3 / min(seconds)


def clip_operations(network: nn.Module, *, num_frames: int, size: int, training: bool) -> int:
    """Return the additions and multiplications for one clip.

    Args:
        network: on the meta device.
        num_frames: T.
        size: height and width of the frames in pixels.
        training: whether to include the backward pass, about twice the forward pass.
    """
    frames = torch.empty(1, num_frames, 3, size, size, device="meta")
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(training):
        output = network.train(training)(frames)
        if training:
            (output.scores.sum() + sum(logits.sum() for logits in output.region_logits)).backward()
    return counter.get_total_flops()


def main() -> None:
    """Print the rate of every precision."""
    for precision in PRECISIONS:
        rate = f"{matrix_product_rate(precision) / 1e9:.0f} GFLOP/s" if is_available(precision) else "not available"
        print(f"{precision}: {rate} with {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
