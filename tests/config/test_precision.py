"""Choice of the precision by device."""

import pytest
import torch

from mdhr.config import precision
from mdhr.config.precision import AUTO, BFLOAT16, FLOAT32, allow_tf32, choose_precision, has_bfloat16, trainer_precision

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


@pytest.mark.parametrize("accelerator", ["auto", "cpu"])
def test_the_settings_of_a_trainer_name_the_precision(monkeypatch: pytest.MonkeyPatch, accelerator: str) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: device.type == "cpu")
    on_cpu = accelerator == "cpu" or not torch.accelerator.is_available()
    assert trainer_precision({"accelerator": accelerator, "precision": "auto"}) == (BFLOAT16 if on_cpu else FLOAT32)


def test_a_precision_that_is_set_is_kept() -> None:
    assert trainer_precision({"accelerator": "cpu", "precision": "64-true"}) == "64-true"


@pytest.mark.parametrize(("name", "allowed"), [(FLOAT32, False), (BFLOAT16, True)])
def test_float32_convolutions_are_not_rounded_to_tf32(
    monkeypatch: pytest.MonkeyPatch, name: str, allowed: bool
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", not allowed)
    allow_tf32(name)
    assert torch.backends.cudnn.allow_tf32 == allowed
