"""Precision: choice by device, and agreement of bfloat16 with float32. Processors without bfloat16 emulate it."""

from collections.abc import Callable

import pytest
import torch

from mdhr.network.mdhr import MDHR
from mdhr.network.optimization import precision
from mdhr.network.optimization.batch_norm_folding import fold_batch_norm
from mdhr.network.optimization.precision import AUTO, BFLOAT16, FLOAT32, cast_weights, choose_precision, has_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize(("supported", "chosen"), [(True, BFLOAT16), (False, FLOAT32)])
def test_auto_is_bfloat16_where_the_device_computes_in_it(
    monkeypatch: pytest.MonkeyPatch, supported: bool, chosen: str
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: supported)
    assert choose_precision(AUTO, CPU) == chosen
    assert [choose_precision(name, CPU) for name in (FLOAT32, BFLOAT16)] == [FLOAT32, BFLOAT16]


@pytest.mark.parametrize(("avx512_bf16", "amx"), [(False, False), (True, False), (False, True)])
def test_a_processor_needs_an_instruction_set_for_bfloat16(
    monkeypatch: pytest.MonkeyPatch, avx512_bf16: bool, amx: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert has_bfloat16(CPU) == (avx512_bf16 or amx)


def test_other_devices_compute_in_float32() -> None:
    assert not has_bfloat16(torch.device("meta"))


@torch.no_grad()
def test_casting_the_weights_once_equals_autocasting(small_mdhr: Callable[..., MDHR]) -> None:
    network = fold_batch_norm(small_mdhr())
    frames = torch.randn(1, 6, 3, 64, 64)
    scores = network(frames).scores
    with torch.autocast("cpu", torch.bfloat16):
        autocast = network(frames).scores
        cast = cast_weights(network)(frames).scores
    assert torch.equal(cast, autocast)
    assert scores.dtype == cast.dtype == torch.float32
    assert 0 < (cast - scores).abs().max() < 0.05
