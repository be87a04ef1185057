"""Loading of trained models: equal scores, and no code from the files is run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.data.faces.cropping import FILL
from mdhr.data.transforms import normalize
from mdhr.errors import InputError
from mdhr.inference.model import choose_device
from mdhr.inference.model_description import ModelDescription
from mdhr.inference.model_fingerprint import fixed_clips
from mdhr.inference.model_loading import load_model
from mdhr.training.training_run import train


@pytest.fixture(scope="module")
def run(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run."""
    folder = tmp_path_factory.mktemp("model") / "run"
    with pytest.warns(UserWarning, match="shorter than a clip"):
        train(compose_smoke(folder, "trainer.max_epochs=1", "data.module.frame_stride=2"))
    return folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """Return a copy of the run that a test may modify."""
    return Path(shutil.copytree(run, tmp_path / "copy"))


def edit(run: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    change(settings["network"])
    (run / "settings.yaml").write_text(yaml.safe_dump(settings))


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_model(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_scores_are_those_of_the_trained_network(run: Path, compose_smoke: Callable[..., DictConfig]) -> None:
    model = load_model(run, device="cpu")
    clips = fixed_clips(model.description, num_clips=2)
    network = instantiate(compose_smoke(run).network, _convert_="all").eval()
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    network.load_state_dict({k.removeprefix("network."): x for k, x in state.items() if k.startswith("network.")})
    with torch.inference_mode():
        expected = network(normalize(clips)).scores.numpy()
    scores = model.score(clips)
    assert scores.dtype == np.float32
    assert scores.shape == (2, 4, 12)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_array_equal(load_model(run / "checkpoints" / "best.ckpt", device="cpu").score(clips), scores)


def test_description_follows_from_the_training(run: Path) -> None:
    model = load_model(run, device="cpu")
    assert model.description == ModelDescription(
        au_set="BP4D",
        num_frames=4,
        crop_size=64,
        frame_interval=2 / 25,
        fill=FILL,
        threshold=0.5,
        trained_on="rendered faces only, no real faces",
    )
    assert model.au_set.columns[0] == "AU1"


def test_missing_description_is_derived_from_the_data_set(copy: Path) -> None:
    expected = load_model(copy, device="cpu").description
    (copy / "model.yaml").unlink()
    assert load_model(copy, device="cpu").description == expected


def test_defaults_replace_a_missing_data_set(copy: Path) -> None:
    (copy / "model.yaml").unlink()
    settings = yaml.safe_load((copy / "settings.yaml").read_text())
    settings["data"]["prepared"] = "nowhere"
    (copy / "settings.yaml").write_text(yaml.safe_dump(settings))
    rendered = load_model(copy, device="cpu").description
    assert rendered.frame_interval == pytest.approx(2 * 3 / 25)
    assert rendered.fill == pytest.approx(1.1 * FILL)
    settings["data"]["name"] = "bp4d"
    (copy / "settings.yaml").write_text(yaml.safe_dump(settings))
    real = load_model(copy, device="cpu").description
    assert (real.frame_interval, real.fill) == (pytest.approx(2 / 25), FILL)
    assert real.trained_on == "bp4d, protocol honest, without the subjects of fold 1"


def test_pretrained_weights_are_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_model(copy, device="cpu")
    clips = fixed_clips(expected.description)
    edit(copy, lambda network: network["backbone"].update(pretrained=True, weights="nowhere.safetensors"))
    monkeypatch.setattr("mdhr.network.backbone.load_pretrained", lambda *_, **__: pytest.fail("weights were read"))
    np.testing.assert_array_equal(load_model(copy, device="cpu").score(clips), expected.score(clips))


class Touch:
    """Object that creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_checkpoint_that_would_run_code_is_refused(copy: Path, tmp_path: Path) -> None:
    content = torch.load(copy / "checkpoints" / "best.ckpt", weights_only=True)
    torch.save({**content, "more": Touch(tmp_path / "touched")}, copy / "checkpoints" / "best.ckpt")
    assert "contains objects other than tensors: posix.mkdir." in refusal(copy)
    assert not (tmp_path / "touched").exists()
    torch.load(copy / "checkpoints" / "best.ckpt", weights_only=False)
    assert (tmp_path / "touched").exists(), "the object is effective"


TARGETS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "network": lambda network, path: network.update(_target_="os.mkdir", path=path),
    "backbone": lambda network, path: network.update(backbone={"_target_": "os.mkdir", "path": path}),
    "au_set": lambda network, path: network.update(au_set={"_target_": "os.mkdir", "path": path}),
    "option": lambda network, path: network["backbone"].update(options={"act": {"_target_": "os.mkdir", "path": path}}),
    "more": lambda network, path: network.update(more={"_target_": "os.mkdir", "path": path}),
    "another-class-of-ours": lambda network, path: network.update(_target_="mdhr.training.training_run.train"),
}


@pytest.mark.parametrize("place", TARGETS)
def test_other_targets_are_not_called(copy: Path, tmp_path: Path, place: str) -> None:
    edit(copy, lambda network: TARGETS[place](network, str(tmp_path / "touched")))
    assert "settings.yaml: network" in refusal(copy)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"checkpoint_path": "evil.pth"}},
        {"options": {"pretrained_cfg": 1}},
        {"options": {"act_layer": "os.mkdir"}},
        {"options": [1]},
        {"name": "hf-hub:somebody/model"},
        {"name": "local-dir:model"},
        {"name": 3},
        {"input_size": "wide"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_invalid_network_settings_are_reported(copy: Path, change: dict[str, Any]) -> None:
    edit(copy, lambda network: network["backbone"].update(change))
    assert "settings.yaml: " in refusal(copy)


def test_a_feature_source_that_does_not_exist_is_refused(copy: Path) -> None:
    edit(copy, lambda network: network["backbone"].update(feature_source="middle"))
    assert "network.backbone.feature_source=middle: should be 'stage_input' or 'stage_output'" in refusal(copy)


def test_yaml_that_would_construct_objects_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "settings.yaml").write_text(f"network: !!python/object/apply:os.mkdir ['{tmp_path / 'touched'}']\n")
    assert "settings.yaml cannot be read" in refusal(copy)
    assert not (tmp_path / "touched").exists()


def test_weights_of_another_network_are_refused(copy: Path) -> None:
    edit(copy, lambda network: network.update(width=24))
    assert "best.ckpt does not match the network that the settings in its folder describe" in refusal(copy)


def test_missing_and_other_files_are_reported(copy: Path, tmp_path: Path) -> None:
    assert "no model at" in refusal(tmp_path / "nowhere")
    (tmp_path / "text.pth").write_text("no model")
    assert "text.pth' is a text file, not a checkpoint" in refusal(tmp_path / "text.pth")
    torch.save({"state_dict": {"head.sc": torch.zeros(12, 4)}}, tmp_path / "theirs.pth")
    assert "convert a checkpoint of the released code with mdhr convert" in refusal(tmp_path / "theirs.pth")
    (tmp_path / "theirs.ckpt").write_bytes((tmp_path / "theirs.pth").read_bytes())
    assert "convert a checkpoint of the released code with mdhr convert" in refusal(tmp_path / "theirs.ckpt")
    (tmp_path / "empty").mkdir()
    assert "empty does not belong to a run: " in refusal(tmp_path / "empty")
    (copy / "checkpoints" / "best.ckpt").unlink()
    assert "best.ckpt does not exist" in refusal(copy)
    assert "device sofa is not available" in refusal(copy, device="sofa")


@pytest.mark.parametrize(
    "values",
    [{}, {"num_frames": 0}, {"fill": float("nan")}, {"fill": "much"}, {"au_set": "FACS"}, {"more": 1}],
    ids=str,
)
def test_invalid_description_is_reported(copy: Path, values: dict[str, Any]) -> None:
    right = yaml.safe_load((copy / "model.yaml").read_text())
    (copy / "model.yaml").write_text(yaml.safe_dump({**right, **values} if values else {}))
    assert "model.yaml: " in refusal(copy)


def test_clips_of_another_shape_or_type_are_refused(run: Path) -> None:
    model = load_model(run, device="cpu")
    clips = fixed_clips(model.description)
    with pytest.raises(InputError, match=r"clips are torch.float32 \(1, 4, 3, 64, 64\), expected torch.uint8"):
        model.score(clips.float())
    with pytest.raises(InputError, match=r"expected torch.uint8 \(B, 4, 3, 64, 64\)"):
        model.score(clips[:, :2])


def test_auto_selects_the_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("meta"))
    assert choose_device("auto").type == "meta"
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: None)
    assert choose_device("auto").type == "cpu"


def test_bfloat16_scores_are_close_to_float32_and_repeatable(run: Path) -> None:
    model = load_model(run, device="cpu", precision="bf16-mixed")
    clips = fixed_clips(model.description, num_clips=2)
    scores, exact = model.score(clips), load_model(run, device="cpu", precision="32-true").score(clips)
    assert model.precision == "bf16-mixed"
    assert scores.dtype == np.float32
    assert 0 < np.abs(scores - exact).max() < 0.05
    np.testing.assert_array_equal(model.score(clips), scores)


@pytest.mark.slow
def test_compiled_scores_are_those_of_the_network(run: Path) -> None:
    model = load_model(run, device="cpu", compiled=True)
    for num_clips in (2, 1):  # the last batch of a video is smaller
        clips = fixed_clips(model.description, num_clips=num_clips)
        expected = load_model(run, device="cpu").score(clips)
        np.testing.assert_allclose(model.score(clips), expected, atol=1e-5)


def test_an_unknown_precision_is_refused(run: Path) -> None:
    assert refusal(run, precision="16") == "precision=16 is unknown: choose from auto, 32-true, bf16-mixed."
