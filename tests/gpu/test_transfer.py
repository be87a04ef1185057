"""Frames are copied to the device as uint8, from pinned memory and without waiting, and converted there."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import SingleDeviceStrategy
from omegaconf import DictConfig
from torch.utils._python_dispatch import TorchDispatchMode

from mdhr.batch import ClipBatch
from mdhr.data.datamodule import FaceVideoData
from tests.gpu.host_reads import MetaStrategy


class Copies(TorchDispatchMode):
    """Record the type and ``non_blocking`` of copies to the meta device."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[torch.dtype, bool]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and not args[0].is_meta:
            self.found.append((args[0].dtype, kwargs.get("non_blocking", False)))
        return func(*args, **kwargs)


def data_and_batch(cfg: DictConfig) -> tuple[FaceVideoData, ClipBatch]:
    """Return the data module of a trainer and its first training batch."""
    data: FaceVideoData = instantiate(cfg.data.module, _convert_="all")
    data.trainer = Trainer(accelerator=cfg.trainer.accelerator, devices=1, logger=False, enable_checkpointing=False)
    return data, next(iter(data.train_dataloader()))


def test_frames_are_copied_as_uint8_without_waiting(smoke: Callable[..., DictConfig]) -> None:
    data, batch = data_and_batch(smoke())
    assert batch.frames is not None
    assert batch.frames.dtype == torch.uint8
    with Copies() as copies:
        moved = MetaStrategy().batch_to_device(batch)
    assert (torch.uint8, True) in copies.found
    assert all(non_blocking for _, non_blocking in copies.found)
    assert all(each is None or each.is_meta for each in moved)
    frames = data.on_after_batch_transfer(moved, 0).frames
    assert frames is not None
    assert (frames.dtype, frames.device.type) == (torch.float32, "meta")


@pytest.mark.gpu
def test_batches_are_pinned(smoke: Callable[..., DictConfig]) -> None:
    data, batch = data_and_batch(smoke("trainer.accelerator=gpu"))
    assert all(each is None or each.is_pinned() for each in batch)
    moved = SingleDeviceStrategy(device="cuda").batch_to_device(batch)
    frames = data.on_after_batch_transfer(moved, 0).frames
    expected = data.on_after_batch_transfer(batch, 0).frames
    torch.testing.assert_close(frames.cpu(), expected)
