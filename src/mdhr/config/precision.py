"""Numeric precision of a network: float32, or bfloat16 where the device computes in it.

``bf16-mixed`` runs convolutions and matrix products in bfloat16 by autocasting. Weights, batch statistics, similarities,
losses and metrics stay float32.
"""

from collections.abc import Mapping
from typing import Any, get_args

import torch

from mdhr.config.ranges import Precision

AUTO, FLOAT32, BFLOAT16 = PRECISIONS = get_args(Precision)


def trainer_precision(trainer: Mapping[str, Any]) -> Any:
    """Return the setting ``precision`` of a node ``trainer``, with ``auto`` replaced by the choice for its device."""
    precision = trainer.get("precision")
    if precision != AUTO:
        return precision
    on_cpu = trainer.get("accelerator") == "cpu"
    accelerator = None if on_cpu else torch.accelerator.current_accelerator(check_available=True)
    return choose_precision(AUTO, accelerator or torch.device("cpu"))


def allow_tf32(precision: str) -> None:
    """Compute convolutions of this process in TF32 unless the precision is ``32-true``.

    PyTorch rounds the inputs of float32 convolutions to TF32, with 10 bits of mantissa, on GPUs from Ampere on.
    """
    torch.backends.cudnn.allow_tf32 = precision != FLOAT32


def choose_precision(precision: str, device: torch.device) -> str:
    """Return the precision that ``auto`` selects on a device; other precisions are unchanged."""
    if precision != AUTO:
        return precision
    return BFLOAT16 if has_bfloat16(device) else FLOAT32


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device has bfloat16 arithmetic: CUDA from Ampere, CPUs with AVX512-BF16 or AMX.

    Other devices emulate bfloat16, on a CPU about ten times slower than float32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # `torch.ops.mkldnn._is_mkldnn_bf16_supported` is also true for CPUs that emulate bfloat16.
    return device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
