"""Test fine-tuning from runs, checkpoints and exported models."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
import yaml
from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.action_units import BP4D, DISFA
from mdhr.data.prepared.manifest import read_manifest, write_manifest
from mdhr.errors import InputError
from mdhr.training.fine_tuning_source import initialize_from, read_trained
from mdhr.training.training_run import train

Compose = Callable[..., DictConfig]
COMMON = (1, 2, 4, 6, 12)


@pytest.fixture(scope="module")
def trained(compose_smoke: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run with BP4D's action units."""
    run = tmp_path_factory.mktemp("trained") / "run"
    train(compose_smoke(run, "trainer.max_epochs=1", "logger=none"))
    return run


@pytest.fixture(scope="module")
def disfa_data(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared noise with DISFA's action units."""
    root, manifest = tmp_path_factory.mktemp("disfa"), read_manifest(prepared)
    table = manifest.table.drop(columns=list(BP4D.columns))
    labels = np.random.default_rng(1).integers(0, 2, (len(table), 8), np.int8)
    table = pd.concat([table, pd.DataFrame(labels, columns=list(DISFA.columns))], axis="columns")
    (root / "frames").symlink_to(prepared / "frames")
    write_manifest(root, table, name="noise", au_set=DISFA, fps=25, size=72, folds=manifest.folds, settings={})
    return root


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    return torch.load(checkpoint, weights_only=True)["state_dict"]


def exported(run: Path, folder: Path) -> Path:
    """Write what ``mdhr export`` writes, as far as it is read."""
    folder.mkdir()
    state = weights_of(run / "checkpoints/best.ckpt").items()
    network = {key.removeprefix("network."): x.contiguous() for key, x in state if key.startswith("network.")}
    safetensors.torch.save_file(network, folder / "model.safetensors")
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({"version": 1, "network": settings["network"]}))
    return folder


def test_every_kind_of_source_has_the_same_weights(trained: Path, tmp_path: Path) -> None:
    folder = exported(trained, tmp_path / "exported")
    first, *others = (
        read_trained(path)
        for path in (trained, trained / "checkpoints/best.ckpt", folder, folder / "model.safetensors")
    )
    assert first.au_set == BP4D
    for other in others:
        assert other.au_set == BP4D
        assert other.state.keys() == first.state.keys()
        assert all(torch.equal(x, other.state[key]) for key, x in first.state.items())


def test_a_run_with_other_action_units_starts_from_a_trained_network(
    trained: Path, disfa_data: Path, compose_smoke: Compose, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = ("data.au_set.name=DISFA", f"data.root={disfa_data}", "trainer.max_epochs=1", "logger=none")
    frozen = ("module.learning_rate=1e-30", "module.weight_decay=0", "backbone.frozen=true")
    record = train(compose_smoke(tmp_path / "run", *settings, *frozen, f"finetune_from={trained}"))
    assert list(record["f1"]) == list(DISFA.columns)
    assert f"fine-tuning from {trained}: copied the shared parts" in capfd.readouterr().out
    source, tuned = (weights_of(run / "checkpoints/best.ckpt") for run in (trained, tmp_path / "run"))
    prototypes = "network.similarity.prototypes"
    for n, au in enumerate(DISFA.aus):
        is_copied = au in BP4D.aus and torch.equal(tuned[prototypes][n], source[prototypes][BP4D.aus.index(au)])
        assert is_copied == (au in COMMON)
    backbone = [key for key in source if key.startswith("network.backbone.")]
    assert all(torch.equal(source[key], tuned[key]) for key in backbone)
    assert yaml.safe_load((tmp_path / "run/settings.yaml").read_text())["finetune_from"] == str(trained)
    assert json.loads((tmp_path / "run/metrics.json").read_text()) == record


def test_another_width_is_one_line(trained: Path, compose_smoke: Compose, tmp_path: Path) -> None:
    module = instantiate(compose_smoke(tmp_path, "network.width=8").module, _convert_="all")
    with pytest.raises(InputError, match=r"finetune_from=.* does not fit this network: .*network\.width") as raised:
        initialize_from(module.network, trained, au_set=BP4D)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing", "there is no trained model"), (".", "there is no trained model"), ("w.pth", "does not contain the")],
)
def test_no_trained_model_is_one_line(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"x")
    with pytest.raises(InputError, match=f"^finetune_from: {message}|^finetune_from: .*{message}"):
        read_trained(tmp_path / name)


def test_export_without_safetensors_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    with pytest.raises(InputError, match="--formats safetensors"):
        read_trained(tmp_path)


def test_checkpoint_and_source_exclude_each_other(trained: Path, smoke: Compose) -> None:
    with pytest.raises(InputError, match="exclude each other"):
        train(smoke(f"ckpt_path={trained}/checkpoints/last.ckpt", f"finetune_from={trained}"))
