"""Statistics of batch normalization from a test pass."""

from pathlib import Path
from types import SimpleNamespace

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from omegaconf import OmegaConf
from torch import Tensor, nn

from mdhr.training.batch_norm_adaptation import adapt_batch_norm

CLIPS = torch.randn(5, 8, 3, generator=torch.Generator().manual_seed(1)) * 4 + 2
"""Five batches of eight rows."""


class Data(LightningDataModule):
    stored_features: object = None

    def test_dataloader(self) -> Tensor:
        return CLIPS


class Network(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.ModuleDict({"backbone": nn.Sequential(nn.BatchNorm1d(3)), "head": nn.BatchNorm1d(3)})

    def test_step(self, batch: Tensor) -> None:
        self.network["head"](self.network["backbone"](batch))


def adapted(tmp_path: Path, *, stored_features: object = None) -> Network:
    module, data = Network(), Data()
    data.stored_features = stored_features
    adapt_batch_norm(module, data, TRAINER, run=tmp_path)
    return module


TRAINER = OmegaConf.create({
    "_target_": "lightning.pytorch.Trainer", "accelerator": "cpu", "precision": "32-true", "enable_progress_bar": False,
})  # fmt: skip


def test_statistics_are_means_over_batches(tmp_path: Path) -> None:
    norm = adapted(tmp_path).network["backbone"][0]
    torch.testing.assert_close(norm.running_mean, CLIPS.mean((0, 1)))
    torch.testing.assert_close(norm.running_var, CLIPS.var(1).mean(0))


def test_stored_features_keep_the_statistics_of_the_backbone(tmp_path: Path) -> None:
    network = adapted(tmp_path, stored_features=SimpleNamespace()).network
    assert network["backbone"][0].running_mean.tolist() == [0, 0, 0]
    assert network["head"].running_mean.abs().min() > 0
