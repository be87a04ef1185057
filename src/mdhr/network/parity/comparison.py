"""Comparison of all networks with golden outputs of the released code.

The golden folder contains outputs, not weights. Weights and inputs are generated from tensor names, see
:mod:`mdhr.network.parity.generated_tensors`. The environment variable ``MDHR_PARITY`` selects another golden folder.
"""

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mdhr.action_units import action_unit_set
from mdhr.errors import InputError
from mdhr.network.checkpoints.released_mdhr import load_released_mdhr_state, mdhr_mappings
from mdhr.network.local_relationships import LocalNodes
from mdhr.network.mdhr import MDHR
from mdhr.network.parity.generated_tensors import generated_checkpoint, generated_frames, generator, random_backbone
from mdhr.network.parity.me_graphau import ME_GRAPHAU, compare_me_graphau

GOLDEN = Path(__file__).resolve().parents[4] / "tests" / "golden" / "parity"
"""Golden folder of the repository."""

NETWORKS = ("bp4d_resnet50", "bp4d_swin_base", "disfa_resnet50", "disfa_swin_base")
TRAIN_STEP = "bp4d_resnet50"
NUM_FRAMES = 16

TENSOR_BOUND = 1e-4
"""Maximum difference of an intermediate tensor, relative to its largest magnitude."""
SCORE_BOUND = 1e-5
"""Maximum absolute difference of a score."""
LOSS_BOUND = 1e-5
"""Maximum difference of a loss, relative if the loss is above 1."""
GRADIENT_BOUND = 1e-3
"""Maximum of the median relative difference of gradient norms in each part of the network.

The bound applies to medians because fifty layers of batch statistics amplify rounding until ReLUs switch. Runs with one
and two threads differ by up to 2e-3 in single tensors, and the golden norms (float32) differ from float64 by up to 4e-3
(median 1e-4). A structural difference would change the median of its part.
"""
SINGLE_GRADIENT_BOUND = 3e-2
"""Maximum relative difference of a single gradient norm."""
ZERO_GRADIENT = 1e-6
"""Gradient norms below this fraction of the largest are rounding noise, as of a bias before batch normalization."""
REGION_WEIGHT = 0.01
"""lambda of the training step."""


def generated_network(name: str, folder: Path, meta: Mapping) -> MDHR:
    """Return the network ``<data set>_<backbone>`` with generated weights."""
    data_set, _, backbone = name.partition("_")
    network = MDHR(
        backbone=random_backbone(backbone),
        au_set=action_unit_set(data_set.upper()),
        width=None,
        temporal_radius=meta["k"],
        use_mfd=True,
        use_hsr=True,
        use_tcn=True,
    )
    load_released_mdhr_state(network, generated_checkpoint(_read_json(folder / f"{name}_keys.json"), meta["salt"]))
    return network


def evaluation_outputs(network: MDHR, frames: Tensor) -> dict[str, Tensor]:
    """Return the tensors of a golden file, under the same names, for one clip in evaluation mode."""
    stages: dict[str, Any] = {
        "static_first32": network.static,
        "dynamic_first32": network.mfd,
        "local_nodes_first32": network.local,
        "cross_region_nodes_first32": network.cross_region,
        "tcn_nodes_first32": network.tcn,
    }
    outputs: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor | LocalNodes) -> None:
        nodes = output[0] if isinstance(output, tuple) else output
        outputs[name] = nodes.flatten(1, -2)[..., :32]

    hooks = [
        stage.register_forward_hook(lambda module, args, output, name=name: keep(name, output))
        for name, stage in stages.items()
    ]
    with torch.inference_mode():
        scores, region_logits, _ = network.eval()(frames)
    for hook in hooks:
        hook.remove()
    outputs["scores"] = scores[0]
    return outputs | {f"region_logits_{r}": logits[0] for r, logits in enumerate(region_logits)}


def training_step(network: MDHR, frames: Tensor, au: Tensor, class_weights: Tensor) -> dict[str, float]:
    """Return the losses of one step in training mode; the parameters contain the gradients afterwards.

    The losses are computed here, independently of :mod:`mdhr.training.losses`, so that the comparison covers the
    network only.
    """
    scores, region_logits, _ = network.train()(frames)
    y, log = au.to(scores), lambda x: x.clamp(min=1e-8).log()
    au_loss = -(class_weights * (y * log(scores) + (1 - y) * scores.detach() * log(1 - scores))).mean()
    patterns = network.au_set.region_pattern(au).unbind(-1)
    terms = [F.cross_entropy(x.flatten(0, 1), y.flatten()) for x, y in zip(region_logits, patterns, strict=True)]
    region_loss = torch.stack(terms).mean()
    loss = au_loss + REGION_WEIGHT * region_loss
    loss.backward()
    return {"loss": loss.item(), "au_loss": au_loss.item(), "region_loss": region_loss.item()}


def compare_evaluation(name: str, folder: Path, meta: Mapping) -> tuple[str, bool]:
    """Return the report line of a network in evaluation mode, and whether it is within the bounds."""
    with np.load(folder / f"{name}.npz") as file:
        golden = {key: torch.from_numpy(file[key]) for key in file}
    network = generated_network(name, folder, meta)
    ours = evaluation_outputs(network, generated_frames(f"clip.{name}", [1, NUM_FRAMES], meta["salt"]))
    scores = (ours["scores"] - golden.pop("scores")).abs().max().item()
    tensors = {key: ((ours[key] - x).abs().max() / x.abs().max()).item() for key, x in golden.items()}
    worst = max(tensors, key=lambda key: tensors[key])
    text = f"scores {scores:.1e} (<= {SCORE_BOUND:.0e}), tensors {tensors[worst]:.1e} (<= {TENSOR_BOUND:.0e}, {worst})"
    return text, scores <= SCORE_BOUND and tensors[worst] <= TENSOR_BOUND


def compare_training(folder: Path, meta: Mapping) -> tuple[str, bool]:
    """Return the report line of the training step, and whether it is within the bounds."""
    golden = _read_json(folder / f"{TRAIN_STEP}_train_step.json")
    network = generated_network(TRAIN_STEP, folder, meta)
    # On a CPU, torch accumulates batch statistics of channels-last tensors in float32. The error of 1e-5 grows over
    # fifty layers to percents of the gradients. Contiguous tensors, as in the released code, are summed in float64.
    network.backbone.to(memory_format=torch.contiguous_format)
    name = f"{TRAIN_STEP}_train"
    shape = (2, NUM_FRAMES, len(network.au_set.aus))
    au = torch.from_numpy(generator(f"labels.{name}", meta["salt"]).random(shape) < 0.35).long()
    frames = generated_frames(f"clip.{name}", [2, NUM_FRAMES], meta["salt"])
    losses = training_step(network, frames, au, torch.tensor(golden["class_weights"]))
    loss = max(abs(losses[key] - golden[key]) / max(1.0, golden[key]) for key in losses)
    parts, largest = gradient_differences(dict(gradient_norms(network)), golden["grad_norm"])
    beyond = sum(difference > GRADIENT_BOUND for difference in largest.values())
    part, worst = max(parts, key=lambda part: parts[part]), max(largest, key=lambda key: largest[key])
    text = (
        f"losses {loss:.1e} (<= {LOSS_BOUND:.0e}), gradient norms by part {parts[part]:.1e} (<= {GRADIENT_BOUND:.0e}, "
        f"{part}); {beyond} of {len(largest)} tensors above {GRADIENT_BOUND:.0e}, "
        f"maximum {largest[worst]:.1e} (<= {SINGLE_GRADIENT_BOUND:.0e}, {worst})"
    )
    return text, loss <= LOSS_BOUND and parts[part] <= GRADIENT_BOUND and largest[worst] <= SINGLE_GRADIENT_BOUND


def gradient_differences(
    ours: Mapping[str, float], golden: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the relative differences of gradient norms: the median per part of the network, and per tensor."""
    zero = ZERO_GRADIENT * max(golden.values())
    single = {key: abs(ours[key] - norm) / norm for key, norm in golden.items() if norm > zero}
    parts = {key.partition(".")[0] for key in single}
    medians = {
        part: float(np.median([x for key, x in single.items() if key.startswith(f"{part}.")])) for part in sorted(parts)
    }
    nonzero = {key: math.inf for key, norm in golden.items() if norm <= zero < ours[key]}
    return medians, single | nonzero


def gradient_norms(network: MDHR) -> Iterator[tuple[str, float]]:
    """Yield the gradient norm of every released tensor; concatenated tensors are split."""
    parameters = dict(network.named_parameters())
    for mapping in mdhr_mappings(network):
        gradient = parameters[mapping.name].grad if mapping.name in parameters else None
        if gradient is not None:
            pieces = gradient.chunk(len(mapping.released))
            yield from ((key, piece.norm().item()) for key, piece in zip(mapping.released, pieces, strict=True))


def check_folder(folder: Path) -> None:
    """Raise InputError if files of a golden folder are missing."""
    needed = ["meta.json", f"{TRAIN_STEP}_train_step.json"]
    needed += [f"{name}{ending}" for name in (*NETWORKS, *ME_GRAPHAU) for ending in (".npz", "_keys.json")]
    missing = [file for file in needed if not (folder / file).is_file()]
    if missing:
        raise InputError(
            f"golden folder '{folder}' is incomplete: {', '.join(missing)} missing. Set MDHR_PARITY to a complete folder."
        )


def compare_all() -> int:
    """Print one line per network and one for the training step.

    Returns:
        Exit status: 0 if all are equal within the bounds, 1 if one differs, 2 if the golden folder is incomplete.
    """
    folder = Path(os.environ.get("MDHR_PARITY", GOLDEN))
    try:
        check_folder(folder)
        meta = _read_json(folder / "meta.json")
        agreed = True
        for name in NETWORKS:
            agreed &= _report(name, *compare_evaluation(name, folder, meta))
        agreed &= _report(f"{TRAIN_STEP}, training step", *compare_training(folder, meta))
        for name in ME_GRAPHAU:
            agreed &= _report(name, *compare_me_graphau(name, folder, meta))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if agreed else 1


def _report(name: str, text: str, agrees: bool) -> bool:
    print(f"{'equal ' if agrees else 'DIFFERS'} {name}: {text}", flush=True)
    return agrees


def _read_json(path: Path) -> dict:
    return json.loads(path.read_text())
