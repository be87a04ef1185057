"""Comparison of ME-GraphAU with golden outputs of its released code."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from mdhr.action_units import action_unit_set
from mdhr.network.checkpoints.released_me_graphau import load_released_me_graphau_state
from mdhr.network.me_graphau.me_graphau import MEGraphAU
from mdhr.network.parity.generated_tensors import generated_checkpoint, generated_frames, random_backbone

ME_GRAPHAU = (
    "me_graphau_stage1_bp4d_resnet50",
    "me_graphau_stage2_bp4d_resnet50",
    "me_graphau_stage2_disfa_swin_base",
)
BOUND = 1e-4
"""Maximum absolute difference of scores and edge logits."""


def released_me_graphau(name: str) -> MEGraphAU:
    """Return the network ``me_graphau_<stage>_<data set>_<backbone>`` with random weights."""
    stage, data_set, backbone = name.removeprefix("me_graphau_").split("_", 2)
    return MEGraphAU(
        backbone=random_backbone(backbone),
        au_set=action_unit_set(data_set.upper()),
        width=None,
        stage=1 if stage == "stage1" else 2,
        num_neighbors=4,
        project_once=False,
        weights=None,
    )


def compare_me_graphau(name: str, folder: Path, meta: Mapping) -> tuple[str, bool]:
    """Return the report line of a network in evaluation mode, and whether it is within the bounds."""
    with np.load(folder / f"{name}.npz") as file:
        golden = {key: torch.from_numpy(file[key]) for key in file}
    network = released_me_graphau(name).eval()
    shapes = json.loads((folder / f"{name}_keys.json").read_text())
    load_released_me_graphau_state(network, generated_checkpoint(shapes, meta["salt"]))
    frames = generated_frames(f"frames.{name}", [2], meta["salt"])
    with torch.inference_mode():
        output = network(frames.unsqueeze(0))
    ours = {"scores": output.scores[0]}
    if output.edge_logits is not None:
        ours["edge_logits"] = output.edge_logits[0].flatten(1, 2)  # frames, edges i * N + j, 4
    differences = {key: (ours[key] - x).abs().max().item() for key, x in golden.items()}
    text = ", ".join(f"{what} {difference:.1e} (<= {BOUND:.0e})" for what, difference in differences.items())
    return text, max(differences.values()) <= BOUND
