"""Exported models have the scores of the network in every format; a failed export leaves no files."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.torch
import torch
import yaml
from omegaconf import DictConfig, OmegaConf

from mdhr.data.transforms import normalize
from mdhr.errors import InputError
from mdhr.inference import export as exporting
from mdhr.inference.export import export, write_model
from mdhr.inference.model_fingerprint import fixed_clips
from mdhr.inference.model_formats import FORMATS, ExportSource, ModelFormat
from mdhr.inference.model_loading import load_model
from mdhr.network.network_settings import build_network
from mdhr.training.module import AU_SET_KEY
from mdhr.training.run_folder import result_affecting_config, write_settings
from tests.support.paths import ROOT


def make_run(folder: Path, cfg: DictConfig) -> Path:
    """Write a run folder with random weights and batch statistics."""
    write_settings(folder, result_affecting_config(cfg))
    network = build_network(OmegaConf.to_container(cfg, resolve=True), where=folder)
    torch.manual_seed(0)
    state = {
        key: x + 0.2 * torch.rand_like(x) if key.endswith(("running_mean", "running_var")) else x
        for key, x in network.state_dict().items()
    }
    (folder / "checkpoints").mkdir()
    content = {"state_dict": {f"network.{key}": x for key, x in state.items()}, AU_SET_KEY: cfg.data.au_set.name}
    torch.save(content, folder / "checkpoints" / "best.ckpt")
    return folder


pytestmark = pytest.mark.slow  # every test needs a network exported in all formats


@pytest.fixture(scope="module")
def run(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "run"
    return make_run(folder, compose_smoke(folder, "data.crop_size=32"))


@pytest.fixture(scope="module")
def exported(run: Path) -> Path:
    """Return the run exported to every format."""
    export(run, run.parent / "exported", formats=list(FORMATS))
    return run.parent / "exported"


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """Return a copy of the exported folder that a test may modify."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_model(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_have_the_scores_of_the_network(run: Path, exported: Path, name: str) -> None:
    network = build_network(yaml.safe_load((run / "settings.yaml").read_text()), where=run).eval()
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    network.load_state_dict({key.removeprefix("network."): x for key, x in state.items()})
    model = load_model(exported / FORMATS[name].file, device="cpu", trusted=True)
    for num_clips in (1, 2, 5):
        clips = fixed_clips(model.description, num_clips=num_clips, seed=7)
        with torch.inference_mode():
            expected = network(normalize(clips)).scores.numpy()
        assert expected.std() > 0.01
        np.testing.assert_allclose(model.score(clips), expected, atol=1e-5)


def test_exported_folder_equals_the_run(run: Path, exported: Path) -> None:
    a, b = load_model(run, device="cpu"), load_model(exported, device="cpu")
    clips = fixed_clips(a.description)
    assert a.description == b.description
    np.testing.assert_array_equal(a.score(clips), b.score(clips))
    assert (exported / "README.md").read_text().startswith("# MDHR, run run\n")
    assert {path.name for path in exported.iterdir()} == {
        "config.yaml",
        "README.md",
        "model.safetensors",
        "model.onnx",
        "model.pt2",
    }


def test_loading_imports_neither_lightning_nor_hydra(exported: Path) -> None:
    code = (
        "import sys, json; from mdhr.inference.model_loading import load_model; "
        "from mdhr.inference.model_fingerprint import fixed_clips; "
        "m = load_model(sys.argv[1], device='cpu'); s = m.score(fixed_clips(m.description)); "
        "print(json.dumps([[n for n in sys.modules if n.split('.')[0] in ('lightning', 'hydra')], float(s.sum())]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(exported)], capture_output=True, text=True, check=True)
    modules, total = json.loads(done.stdout)
    assert modules == []
    model = load_model(exported, device="cpu")
    assert total == pytest.approx(float(model.score(fixed_clips(model.description)).sum()), abs=1e-4)


def test_an_exported_folder_can_be_exported_again(exported: Path, tmp_path: Path) -> None:
    differences = export(exported, tmp_path / "again", formats=["safetensors"])
    assert differences["safetensors"] < 1e-5
    for name in ("config.yaml", "README.md", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (exported / name).read_bytes()


def test_me_graphau_can_be_exported(compose_smoke: Callable[..., DictConfig], tmp_path: Path) -> None:
    cfg = compose_smoke(tmp_path, "network=me_graphau_stage2", "data.crop_size=32", "data.au_set.name=DISFA")
    run = make_run(tmp_path / "run", cfg)
    assert max(export(run, tmp_path / "out", formats=["safetensors", "torch-export"]).values()) < 1e-5
    assert load_model(tmp_path / "out", device="cpu").au_set.name == "DISFA"


def test_onnx_file_can_be_used_alone(exported: Path, tmp_path: Path) -> None:
    file = shutil.copy(exported / "model.onnx", tmp_path / "renamed.onnx")
    alone, complete = load_model(file, device="cpu"), load_model(exported, device="cpu")
    assert alone.description == complete.description
    clips = fixed_clips(complete.description)
    np.testing.assert_allclose(alone.score(clips), complete.score(clips), atol=1e-5)
    facts = onnxruntime.InferenceSession(file).get_modelmeta().custom_metadata_map
    assert facts["action_units"].split(",") == list(alone.au_set.columns)
    frames = torch.rand(1, 3, 4, 4).mul(255).byte()
    mean, std = (torch.tensor([float(x) for x in facts[key].split(",")])[:, None, None] for key in ("mean", "std"))
    torch.testing.assert_close((frames / 255 - mean) / std, normalize(frames))


def test_example_for_onnx_files_in_the_documentation_runs(exported: Path, tmp_path: Path) -> None:
    (code,) = re.findall(
        r"```python\n(import numpy.*?onnxruntime.*?)```", (ROOT / "docs/models.md").read_text(), re.DOTALL
    )
    shutil.copy(exported / "model.onnx", tmp_path / "my_model.onnx")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    model = load_model(exported, device="cpu")
    d = model.description
    scores = model.score(torch.zeros(1, d.num_frames, 3, d.crop_size, d.crop_size, dtype=torch.uint8))
    active = [au for au, score in zip(model.au_set.columns, scores[0, -1], strict=True) if score >= d.threshold]
    assert done.stdout == f"{active}\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "was not exported by this package"),
        ({"config_version": "2"}, "version 2 is not supported, expected 1"),
        ({"config_version": "?"}, "invalid metadata"),
        ({"fingerprint": "[[0.5]]"}, "scores differ from those at export"),
        ({"crop_size": "2"}, "crop_size=2 of the model is out of range: expected 32 to 4096"),
        ({"num_frames": "many"}, "num_frames=many of the model is not a number"),
    ],
    ids=str,
)
def test_changed_metadata_are_refused(exported: Path, tmp_path: Path, change: dict[str, str], message: str) -> None:
    content = onnx.load(exported / "model.onnx")
    metadata = {entry.key: entry.value for entry in content.metadata_props} | change if change else {}
    onnx.helper.set_model_props(content, metadata)
    onnx.save(content, tmp_path / "changed.onnx")
    assert message in refusal(tmp_path / "changed.onnx")


def test_onnx_file_without_metadata_uses_the_config_next_to_it(copy: Path) -> None:
    content = onnx.load(copy / "model.onnx")
    onnx.helper.set_model_props(content, {})
    onnx.save(content, copy / "model.onnx")
    assert load_model(copy / "model.onnx", device="cpu").description == load_model(copy, device="cpu").description


def test_onnx_file_that_is_a_pointer_is_reported(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n")
    assert "model.onnx is a Git LFS pointer" in refusal(tmp_path / "model.onnx")


def test_a_file_that_may_run_code_needs_trusted(exported: Path, tmp_path: Path) -> None:
    assert "model.pt2 may run any code" in refusal(exported / "model.pt2")
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("config.yaml", "model.pt2"):
        shutil.copy(exported / name, alone)
    assert "pass trusted=True" in refusal(alone)
    assert load_model(alone, device="cpu", trusted=True).au_set.name == "BP4D"


@pytest.mark.parametrize("name", FORMATS)
def test_truncated_files_are_reported(copy: Path, name: str) -> None:
    file = copy / FORMATS[name].file
    file.write_bytes(file.read_bytes()[:1000])
    assert f"{file.name} cannot be read" in refusal(file, trusted=True)


def test_changed_weights_are_refused(copy: Path) -> None:
    file = copy / "model.safetensors"
    state = safetensors.torch.load_file(file)
    state["similarity.prototypes"][3] = state["similarity.prototypes"][4]
    safetensors.torch.save_file(state, file)
    assert "model.safetensors: scores differ from those at export" in refusal(copy)
    assert load_model(copy / "model.onnx", device="cpu"), "the fingerprint is checked per file"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2 is not supported, expected 1"),
        ({"fingerprint": None}, "scores differ from those at export"),
        ({"model": {"au_set": "BP4D"}}, "a model description must contain exactly"),
        ({"network": {"_target_": "os.mkdir", "path": "touched"}}, "network._target_=os.mkdir is not allowed"),
        ({"network": None}, "network._target_=null is not allowed"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_changed_config_is_refused(copy: Path, change: dict[str, Any], message: str) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    (copy / "config.yaml").write_text(yaml.safe_dump({**config, **change}))
    assert message in refusal(copy)
    assert not Path("touched").exists()


def failing_format(message: str) -> ModelFormat:
    def write(source: ExportSource, file: Path) -> None:
        raise RuntimeError(f"{message}\nand more")

    return ModelFormat("model.onnx", write, FORMATS["onnx"].read)


def write_changed_weights(source: ExportSource, file: Path) -> None:
    state = source.network.state_dict()
    state["static.linear.weight"] = state["static.linear.weight"] * 1.05
    safetensors.torch.save_file(state, file)


@pytest.mark.parametrize(
    ("name", "model_format", "message"),
    [
        ("onnx", failing_format("no such operator"), "cannot be exported to onnx: RuntimeError: no such operator"),
        (
            "safetensors",
            ModelFormat("model.safetensors", write_changed_weights, FORMATS["safetensors"].read),
            "safetensors",
        ),
    ],
    ids=["cannot", "differs"],
)
def test_failed_export_leaves_no_files(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, model_format: ModelFormat, message: str
) -> None:
    monkeypatch.setitem(FORMATS, name, model_format)
    with pytest.raises(InputError, match=message) as caught:
        export(run, tmp_path / "out", formats=[name])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_score_difference_above_the_limit_is_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MAX_DIFFERENCE", -1.0)
    with pytest.raises(InputError, match=r"safetensors: scores differ by \S+ from those of the network"):
        write_model(exporting.read_model(run), tmp_path / "out", formats=["safetensors"])
    assert list(tmp_path.iterdir()) == []


def test_missing_package_is_reported_before_the_export(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"needs the package onnxscript: pip install -e '\.\[export\]'"):
        export(tmp_path / "nowhere", tmp_path / "out", formats=["onnx"])


def test_command_prints_differences_and_does_not_overwrite(
    run: Path, tmp_path: Path, exit_status: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert exit_status("export", str(run), "--out", str(out)) == 0
    assert "model.safetensors: verified, largest score difference " in capsys.readouterr().out
    (out / "README.md").write_text("mine")
    assert exit_status("export", str(run), "--out", str(out)) == 2
    assert capsys.readouterr().err == f"{out} already exists. Choose another --out or delete it.\n"
    assert (out / "README.md").read_text() == "mine"
    assert exit_status("export", str(run), "--out", str(tmp_path / "b"), "--formats", "pickle") == 2
    assert "unknown format pickle: choose from safetensors, onnx, torch-export" in capsys.readouterr().err


def test_fixed_graphs_are_float32(exported: Path) -> None:
    assert load_model(exported / "model.onnx", device="cpu").precision == "32-true"
    for options in ({"precision": "bf16-mixed"}, {"compiled": True}):
        with pytest.raises(InputError, match=r"contain a fixed graph in float32"):
            load_model(exported / "model.onnx", device="cpu", **options)
