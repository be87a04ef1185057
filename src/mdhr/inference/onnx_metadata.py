"""Metadata of ONNX files: what ``config.yaml`` contains, as text, so that the file can be used alone.

onnxruntime returns it as ``session.get_modelmeta().custom_metadata_map``. Lists are separated by commas.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mdhr.action_units import parse_action_unit_set
from mdhr.data.transforms import IMAGENET_MEAN, IMAGENET_STD
from mdhr.files.json_files import parse_json
from mdhr.inference.model_description import ModelDescription

INPUT = "frames: uint8 RGB (B, T, 3, S, S), T = num_frames, S = crop_size; the graph normalizes with mean and std"
OUTPUT = "scores: float32 (B, T, N) in [0, 1], N action units; a score >= threshold is active"


def onnx_metadata(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of an ONNX file, given the content of ``config.yaml``."""
    model = config["model"]
    return {
        "action_units": ",".join(parse_action_unit_set(model["au_set"]).columns),
        "input": INPUT,
        "output": OUTPUT,
        "mean": ",".join(map(str, IMAGENET_MEAN)),
        "std": ",".join(map(str, IMAGENET_STD)),
        **{key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in model.items()},
        "config_version": str(config["version"]),
        "fingerprint": json.dumps(config["fingerprint"]),
    }


def config_from_metadata(metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the entries ``version``, ``model`` and ``fingerprint`` of ``config.yaml``; None if there are none.

    The values of ``model`` are text; see ``ModelDescription.from_dict``. Raises ``ValueError`` for invalid metadata.
    """
    if not {"config_version", "fingerprint"} <= set(metadata):
        return None
    names = [field.name for field in fields(ModelDescription)]
    model: dict[str, Any] = {name: metadata[name] for name in names if name in metadata}
    if model.get("au_set", "").startswith("{"):  # not a published set, see ActionUnitSet.definition
        model["au_set"] = parse_json(model["au_set"])
    return {
        "version": int(metadata["config_version"]),
        "model": model,
        "fingerprint": parse_json(metadata["fingerprint"]),
    }
