"""Precision and compilation of a scorer."""

import torch
from torch import nn

from mdhr.config.precision import BFLOAT16, FLOAT32, PRECISIONS, allow_tf32, choose_precision
from mdhr.errors import InputError
from mdhr.inference.model import Scorer, ScoringNetwork
from mdhr.network.optimization.bfloat16_weights import cast_weights


def accelerate_scorer(scorer: Scorer, device: torch.device, *, precision: str, compiled: bool) -> tuple[Scorer, str]:
    """Return a scorer that computes in the given precision, and the name of that precision.

    Args:
        scorer: on ``device``, in float32; changed in place.
        precision: one of :data:`~mdhr.config.precision.PRECISIONS`.
        compiled: compile the network with ``torch.compile`` at the first batch of every size, which takes a minute.

    Raises ``InputError`` for an unknown precision, and if the graph of the scorer is fixed, as in ONNX files.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision={precision} is unknown: choose from {', '.join(PRECISIONS)}.")
    if not isinstance(scorer, ScoringNetwork):
        if compiled or precision == BFLOAT16:
            raise InputError(
                "ONNX and torch.export files contain a fixed graph in float32. Load a run or model.safetensors, or use "
                "the default precision without compiling."
            )
        return scorer, FLOAT32
    precision = choose_precision(precision, device)
    allow_tf32(precision)
    if precision == BFLOAT16:
        cast_weights(scorer)
    if compiled:
        compile_for_inference(scorer, device)
    if precision == BFLOAT16:
        return torch.autocast(device.type, torch.bfloat16)(scorer), precision
    return scorer, precision


def compile_for_inference(network: nn.Module, device: torch.device) -> None:
    """Compile a network with constant weights, in place, at its first call with every input size.

    On a CPU, constant weights let the compiler merge convolutions with the activation functions after them.
    """
    network.compile(options={"freezing": device.type == "cpu"})
