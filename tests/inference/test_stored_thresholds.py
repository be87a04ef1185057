"""Thresholds in model descriptions and in the metadata of ONNX files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mdhr.errors import InputError
from mdhr.inference.model_description import ModelDescription
from mdhr.inference.model_loading import SHIPPED_MODEL, read_config
from mdhr.inference.onnx_metadata import config_from_metadata, onnx_metadata

CONFIG = read_config(SHIPPED_MODEL / "config.yaml")
SHIPPED = ModelDescription.from_dict(CONFIG["model"], where=SHIPPED_MODEL)
THRESHOLDS = {"AU1": 0.125, "AU12": 0.4}


def test_descriptions_without_thresholds_are_unchanged() -> None:
    assert SHIPPED.thresholds is None
    assert SHIPPED.as_dict() == CONFIG["model"]


def test_thresholds_are_stored_in_both_formats() -> None:
    chosen = replace(SHIPPED, thresholds=THRESHOLDS)
    assert ModelDescription.from_dict(chosen.as_dict(), where=Path("config.yaml")) == chosen
    metadata = onnx_metadata({**CONFIG, "model": chosen.as_dict()})
    config = config_from_metadata(metadata)
    assert config is not None
    assert ModelDescription.from_dict(config["model"], where=Path("model.onnx")) == chosen


@pytest.mark.parametrize(
    "thresholds", [{"AU1": 1.5}, {"AU1": float("nan")}, {"AU1": "much"}, 0.5, "0.5", "{", ["AU1"], {"AU1": None}]
)
def test_wrong_thresholds_are_one_line(thresholds: Any) -> None:
    with pytest.raises(InputError, match="threshold") as raised:
        ModelDescription.from_dict({**CONFIG["model"], "thresholds": thresholds}, where=Path("config.yaml"))
    assert "\n" not in str(raised.value)
