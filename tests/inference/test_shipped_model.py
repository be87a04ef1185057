"""The model that is part of the package: size, description, and its use by default."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import mdhr
from mdhr.commands.predict import main
from mdhr.inference.app.model_list import find_models
from mdhr.inference.app.server import DEFAULT_FOLDERS
from mdhr.inference.model_formats import CONFIG_FILE
from mdhr.inference.model_loading import SHIPPED_MODEL, load_model
from tests.support.stub_model import Marked, write_images

MAX_BYTES = 12e6


def test_size_and_card() -> None:
    sizes = {path.name: path.stat().st_size for path in SHIPPED_MODEL.iterdir()}
    assert set(sizes) == {CONFIG_FILE, "README.md", "model.safetensors"}
    assert sum(sizes.values()) <= MAX_BYTES
    card = (SHIPPED_MODEL / "README.md").read_text()
    for statement in ("rendered faces", "not ground truth", "always-positive"):
        assert statement in card


def test_it_is_the_default_of_load_and_of_the_page() -> None:
    shipped, default = load_model(SHIPPED_MODEL, device="cpu"), mdhr.load(device="cpu")
    assert default.model.description == shipped.description
    assert default.overlap == default.model.description.num_frames // 2
    assert find_models(DEFAULT_FOLDERS[:1]) == [SHIPPED_MODEL]


def test_it_is_the_default_of_predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdhr.data.faces.detection.FaceDetector", Marked)
    images = write_images(tmp_path / "images", [[(20, 30, 60, 80)]] * 4)
    assert main([str(images), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    settings = yaml.safe_load((tmp_path / "out" / "predict.yaml").read_text())["settings"]
    assert settings["model"] == "shipped with mdhr"
    assert settings["overlap"] == 8


def test_scores_depend_on_the_face() -> None:
    model = load_model(SHIPPED_MODEL, device="cpu")
    d, rng = model.description, np.random.default_rng(0)
    noise = torch.from_numpy(rng.integers(0, 256, (2, d.num_frames, 3, d.crop_size, d.crop_size), dtype=np.uint8))
    scores = model.score(noise)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.ptp(scores[0] - scores[1]) > 0
