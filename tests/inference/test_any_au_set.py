"""A model of nine action units, some of them new: prepared, trained, exported, loaded, with columns of the set."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import DictConfig

from mdhr.action_units import action_unit_set
from mdhr.data.prepared.manifest import KEY, read_manifest, write_manifest
from mdhr.errors import InputError
from mdhr.inference.export import export
from mdhr.inference.model_loading import load_model
from mdhr.training.run_record import read_record
from mdhr.training.training_run import train

AU_SET = action_unit_set("lab", [1, 2, 4, 6, 9, 12, 25, 45, "L12"])
OVERRIDE = "++data.au_set={name: lab, aus: [1, 2, 4, 6, 9, 12, 25, 45, L12]}"
COLUMNS = ("AU1", "AU2", "AU4", "AU6", "AU9", "AU12", "AU25", "AU45", "L12")


@pytest.fixture(scope="module")
def root(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the prepared noise with other labels."""
    root = tmp_path_factory.mktemp("lab") / "data"
    shutil.copytree(prepared, root)
    manifest = read_manifest(prepared)
    labels = np.random.default_rng(3).choice([0, 1, -1], (len(manifest.table), 9), p=[0.5, 0.4, 0.1]).astype(np.int8)
    table = pd.concat([manifest.table[[*KEY, "path"]], pd.DataFrame(labels, columns=list(COLUMNS))], axis=1)
    write_manifest(root, table, name="lab", au_set=AU_SET, fps=25, size=72, folds=manifest.folds, settings={})
    return root


def test_manifest_stores_the_set(root: Path) -> None:
    assert read_manifest(root).au_set == AU_SET
    assert read_manifest(root, au_set=action_unit_set("other name", AU_SET.aus)).au_set == AU_SET
    with pytest.raises(InputError, match="prepared with the action units of lab, but those of lab2 are required"):
        read_manifest(root, au_set=action_unit_set("lab2", [1, 2, 12]))


@pytest.mark.slow
def test_train_export_and_load(root: Path, compose_smoke: Callable[..., DictConfig], tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(compose_smoke(run, f"data.root={root}", OVERRIDE, "trainer.max_epochs=1", "data.crop_size=32"))
    assert read_record(run)["au_set"] == "lab"
    predictions = next(run.glob("predictions*.parquet"))
    assert {f"score_{column}" for column in COLUMNS} <= set(pd.read_parquet(predictions).columns)
    export(run, tmp_path / "exported", formats=["safetensors", "onnx"])
    clips = torch.randint(0, 256, (1, load_model(run).description.num_frames, 3, 32, 32), dtype=torch.uint8)
    scores = load_model(run).score(clips)
    assert scores.shape[-1] == 9
    for source in (tmp_path / "exported", next((tmp_path / "exported").glob("*.onnx"))):
        model = load_model(source)
        assert model.au_set == AU_SET
        assert model.au_set.columns == COLUMNS
        np.testing.assert_allclose(model.score(clips), scores, atol=1e-4)
