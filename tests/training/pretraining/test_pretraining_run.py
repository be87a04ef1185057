"""Pretraining run: weights and resumption."""

import shutil
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig
from safetensors.torch import load_file

from mdhr.config.composition import CONF
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone
from mdhr.training.pretraining.pretraining_run import pretrain


def config(folder: Path, run: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(
            "pretrain",
            overrides=[
                f"run_dir={folder / run}",
                f"weights={folder / run / 'backbone.safetensors'}",
                f"bank.root={folder / 'bank'}",
                "bank.num_identities=4",
                "bank.frames_per_identity=6",
                "bank.size=48",
                "bank.num_workers=1",
                "data.crop_size=32",
                "data.batch_size=4",
                "data.frames_per_epoch=8",
                "data.num_validation_identities=2",
                "data.num_workers=0",
                "trainer.max_epochs=2",
                "trainer.accelerator=cpu",
            ],
        )


class PowerFailureError(Exception):
    pass


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrain(config(tmp_path_factory.mktemp("pretrain"), "complete"))


def test_weights_fit_the_backbone_of_the_demo(weights: Path) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        options = dict(compose("train", overrides=["backbone=small_resnet"]).backbone.options)
    backbone = Backbone(
        name="resnet10t",
        pretrained=False,
        weights=str(weights),
        feature_source="stage_output",
        drop_path_rate=0.0,
        input_size=64,
        options=options,
    )
    assert backbone.widths == (16, 32, 96, 192)
    saved = load_file(weights)
    assert all(torch.equal(value, saved[key]) for key, value in backbone.model.state_dict().items())


def test_an_interrupted_run_ends_with_the_same_weights(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is interrupted in its second epoch and resumed."""
    folder = weights.parents[1]
    save = ModelCheckpoint.on_validation_end

    def fail(self: ModelCheckpoint, trainer: Trainer, module: object) -> None:
        if trainer.current_epoch == 1:
            raise PowerFailureError
        save(self, trainer, module)

    monkeypatch.setattr(ModelCheckpoint, "on_validation_end", fail)
    with pytest.raises(PowerFailureError):
        pretrain(config(folder, "interrupted"))
    monkeypatch.undo()
    again = load_file(pretrain(config(folder, "interrupted")))
    complete = load_file(weights)
    assert again.keys() == complete.keys()
    assert all(torch.equal(again[key], complete[key]) for key in complete)


def test_a_run_resumes_with_its_own_settings_only(weights: Path) -> None:
    cfg = config(weights.parents[1], "complete")
    cfg.module.learning_rate = 0.5
    with pytest.raises(
        InputError, match=r"complete was started with module\.learning_rate=0\.004, not 0\.5\. Pass run_dir="
    ):
        pretrain(cfg)


def test_a_damaged_checkpoint_is_refused_in_one_line(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights.parent, tmp_path / "run")
    (tmp_path / "run" / "last.ckpt").write_bytes((weights.parent / "last.ckpt").read_bytes()[:1000])
    cfg = config(weights.parents[1], "complete")
    cfg.run_dir = str(tmp_path / "run")
    with pytest.raises(InputError, match=r"last\.ckpt' is truncated") as raised:
        pretrain(cfg)
    assert "\n" not in str(raised.value)
