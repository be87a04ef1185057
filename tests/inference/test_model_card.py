"""Model cards: test results, unknown facts, and the difference between rendered and real faces."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from mdhr.inference.model_card import UNKNOWN, model_card
from mdhr.inference.model_description import RENDERED_FACES, ModelDescription
from mdhr.inference.model_loading import load_model
from mdhr.training.training_run import train

RENDERED_MODEL = ModelDescription(
    au_set="DISFA",
    num_frames=16,
    crop_size=224,
    frame_interval=0.05,
    fill=0.74,
    threshold=0.4,
    trained_on=RENDERED_FACES,
)
REAL_MODEL = dataclasses.replace(RENDERED_MODEL, trained_on="disfa, protocol paper, without the subjects of fold 2")
RECORD: dict[str, Any] = {
    "data": "disfa",
    "protocol": "paper",
    "fold": 2,
    "seed": 7,
    "num_test_frames": 1234,
    "git_commit": None,
    "command": "mdhr train",
    "f1": {"AU1": 0.5, "AU25": 0.875},
    "auc": {"AU1": 0.75, "AU25": None},
    "baseline_f1": {"AU1": 0.25, "AU25": 0.5},
    "f1_mean": 0.6875,
    "auc_mean": None,
    "baseline_f1_mean": 0.375,
}


def card(description: ModelDescription, **known: Any) -> str:
    return model_card(description, title="A model", network="MDHR", **known)


def test_results_are_a_table() -> None:
    text = card(REAL_MODEL, record=RECORD)
    assert "| AU1 | inner brow raiser | 50.0 | 75.0 | 25.0 |\n" in text
    assert "| AU25 | lips part | 87.5 | - | 50.0 |\n" in text
    assert "| mean |  | 68.8 | - | 37.5 |\n" in text
    assert "| protocol | paper: the checkpoint was selected on the test fold" in text
    assert "| test fold | 2 |\n| seed | 7 |\n| test frames | 1234 |\n" in text
    assert f"| code | {UNKNOWN} |\n| command | `mdhr train` |" in text


def test_missing_results_are_unknown() -> None:
    text = card(REAL_MODEL)
    assert text.count(f"| {UNKNOWN} |\n") == 7
    assert "Test results are unknown. Test the model before you rely on it." in text
    assert "| F1 |" not in text


def test_rendered_and_real_training_data_differ() -> None:
    rendered, real = card(RENDERED_MODEL), card(REAL_MODEL)
    for sentence in (
        "No real face was used in training or testing, and this is not a model of BP4D or DISFA",
        "from CC0 and MIT assets",
    ):
        assert sentence in rendered
        assert sentence not in real
    assert "- Data: the property of its owners" in real
    assert "- Data: the property of its owners" not in rendered


@pytest.mark.parametrize("description", [RENDERED_MODEL, REAL_MODEL], ids=["rendered", "real"])
def test_card_contains_input_and_intended_use(description: ModelDescription) -> None:
    text = card(description)
    assert "| clip | 16 frames, 50 ms apart |\n" in text
    assert "an action unit is active if its score is at least 0.4 |" in text
    assert "Do not use the model for decisions about people" in text
    assert 'load_model("<this folder>").score(clips)  # B x 16 x 8\n' in text
    assert "{" not in text
    assert "\n\n\n" not in text
    assert text.endswith("```\n")


def test_training_writes_a_card(compose_smoke: Callable[..., DictConfig], tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(compose_smoke(run, "trainer.max_epochs=1"))
    text, record = (run / "model_card.md").read_text(), json.loads((run / "metrics.json").read_text())
    assert text.startswith("# MDHR, run smoke\n")
    assert "MDHR with backbone test_resnet." in text
    assert f"| mean |  | {100 * record['f1_mean']:.1f} |" in text
    assert f"{load_model(run, device='cpu').description.crop_size} x 64 pixels" in text
