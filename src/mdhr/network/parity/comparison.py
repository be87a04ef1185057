"""Is this network the released one? Compare with golden numbers of the released code (``make parity``).

The golden folder holds outputs of the released code, not its weights: those are filled by a rule from each tensor's
name (:mod:`mdhr.network.parity.generated_tensors`). ``MDHR_PARITY`` names another folder with other weights, clips and k.

Prints one line per network in evaluation mode, ME-GraphAU's among them, and one for a training step. Exit status 0
when all agree, 1 when one does not, 2 when the folder is not complete.
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
"""The committed folder."""

NETWORKS = ("bp4d_resnet50", "bp4d_swin_base", "disfa_resnet50", "disfa_swin_base")
TRAIN_STEP = "bp4d_resnet50"
NUM_FRAMES = 16

TENSOR_BOUND = 1e-4
"""Largest difference of an intermediate tensor, relative to its largest magnitude."""
SCORE_BOUND = 1e-5
"""Largest difference of a score."""
LOSS_BOUND = 1e-5
"""Largest difference of a loss, relative where the loss is above 1."""
GRADIENT_BOUND = 1e-3
"""Median relative difference of the gradient norms in each part of the network.

Not of every single tensor: fifty layers of batch statistics amplify rounding until ReLUs switch. This very program
run with one thread and with two differs by up to 2e-3 from itself, and the golden norms, computed in float32, by up to
4e-3 from ours in float64 (median 1e-4). A part that were built differently would be off as a whole. How many single
tensors are beyond the bound is printed all the same.
"""
SINGLE_GRADIENT_BOUND = 3e-2
"""Largest relative difference of any one gradient norm."""
ZERO_GRADIENT = 1e-6
"""Gradient norms below this share of the largest one are rounding noise: the bias before a batch normalization."""
REGION_WEIGHT = 0.01
"""lambda of the training step."""


def generated_network(name: str, folder: Path, meta: Mapping) -> MDHR:
    """The network ``<data set>_<backbone>`` with the rule's weights."""
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
    """Everything the golden file of a network holds, under its names, for one clip in evaluation mode."""
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
    """Losses of one step in training mode; gradients are left in the network's parameters.

    The losses are written out here, so that the network is held to the released one on its own.
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
    """Line of a network in evaluation mode, and whether it keeps the bounds."""
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
    """Line of the training step, and whether it keeps the bounds."""
    golden = _read_json(folder / f"{TRAIN_STEP}_train_step.json")
    network = generated_network(TRAIN_STEP, folder, meta)
    # With channels last torch sums batch statistics in float32 on a CPU, which errs by 1e-5 and, fifty layers on, moves
    # gradients by percents. With channels first, as in the released code, it sums in float64.
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
        f"{part}); {beyond} of {len(largest)} single ones beyond {GRADIENT_BOUND:.0e}, "
        f"the worst {largest[worst]:.1e} (<= {SINGLE_GRADIENT_BOUND:.0e}, {worst})"
    )
    return text, loss <= LOSS_BOUND and parts[part] <= GRADIENT_BOUND and largest[worst] <= SINGLE_GRADIENT_BOUND


def gradient_differences(
    ours: Mapping[str, float], golden: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Relative differences of gradient norms: the median of every part of the network, and every tensor's own."""
    zero = ZERO_GRADIENT * max(golden.values())
    single = {key: abs(ours[key] - norm) / norm for key, norm in golden.items() if norm > zero}
    parts = {key.partition(".")[0] for key in single}
    medians = {
        part: float(np.median([x for key, x in single.items() if key.startswith(f"{part}.")])) for part in sorted(parts)
    }
    no_longer_zero = {key: math.inf for key, norm in golden.items() if norm <= zero < ours[key]}
    return medians, single | no_longer_zero


def gradient_norms(network: MDHR) -> Iterator[tuple[str, float]]:
    """Norm of every gradient under the released name; tensors that were joined are taken apart again."""
    parameters = dict(network.named_parameters())
    for mapping in mdhr_mappings(network):
        gradient = parameters[mapping.name].grad if mapping.name in parameters else None
        if gradient is not None:
            pieces = gradient.chunk(len(mapping.released))
            yield from ((key, piece.norm().item()) for key, piece in zip(mapping.released, pieces, strict=True))


def check_folder(folder: Path) -> None:
    """``InputError`` that names the files which a golden folder lacks."""
    needed = ["meta.json", f"{TRAIN_STEP}_train_step.json"]
    needed += [f"{name}{ending}" for name in (*NETWORKS, *ME_GRAPHAU) for ending in (".npz", "_keys.json")]
    missing = [file for file in needed if not (folder / file).is_file()]
    if missing:
        raise InputError(f"golden folder {folder} lacks {', '.join(missing)}: set MDHR_PARITY to a complete one")


def compare_all() -> int:
    """Compare everything; returns the exit status."""
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
