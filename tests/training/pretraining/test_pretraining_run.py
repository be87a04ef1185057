from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import Trainer
from omegaconf import DictConfig
from safetensors.torch import load_file

from mdhr.config.composition import CONF
from mdhr.network.backbone import Backbone
from mdhr.training.pretraining.pretraining_run import LineAnEpoch, pretrain


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
                "data.validation_people=2",
                "data.num_workers=0",
                "trainer.max_epochs=2",
                "trainer.accelerator=cpu",
            ],
        )


class PulledPlugError(Exception):
    pass


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrain(config(tmp_path_factory.mktemp("pretrain"), "unbroken"))


def test_the_weights_fit_the_backbone_that_the_demo_uses(weights: Path) -> None:
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


def test_a_pulled_plug_changes_nothing(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in its second epoch and started again, it ends with the same weights."""
    folder = weights.parents[1]
    say = LineAnEpoch.on_validation_end

    def pull_plug(self: LineAnEpoch, trainer: Trainer, module: object) -> None:
        if trainer.current_epoch == 1:
            raise PulledPlugError
        say(self, trainer, module)

    monkeypatch.setattr(LineAnEpoch, "on_validation_end", pull_plug)
    with pytest.raises(PulledPlugError):
        pretrain(config(folder, "broken"))
    monkeypatch.undo()
    again = load_file(pretrain(config(folder, "broken")))
    unbroken = load_file(weights)
    assert again.keys() == unbroken.keys()
    assert all(torch.equal(again[key], unbroken[key]) for key in unbroken)
