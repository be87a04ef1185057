"""Export a trained model: ``mdhr export runs/demo --out demo [--formats safetensors,onnx,torch-export]``.

Leaves a folder that needs neither the run nor its data, and without Lightning is loaded by ``mdhr.load``::

    config.yaml         what the model is, the settings of its network, its scores of a fixed clip
    README.md           the model card
    model.safetensors   the weights
    model.onnx          the graph for onnxruntime
    model.pt2           the graph for torch.export.load

Every file is read again and compared with the network before the folder appears.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from torch import nn

from mdhr.errors import InputError
from mdhr.files.folders import atomic_folder
from mdhr.inference.model import Model, ScoringNetwork
from mdhr.inference.model_card import FILE, run_card
from mdhr.inference.model_description import ModelDescription
from mdhr.inference.model_formats import CONFIG, FORMATS, SAFETENSORS, Source, required, stored_network
from mdhr.inference.model_loading import (
    VERSION,
    fixed_clips,
    is_exported,
    load_model,
    load_trained_run,
    read_config,
)
from mdhr.network.network_settings import network_settings

README = "README.md"
AGREE = 1e-4
"""Largest difference of a score between a format and the network it was made of."""
COMPARED_ON = (1, 3)
"""Clips in the batches that formats are compared on: the number of clips is free, whatever the example had."""


class TrainedModel(NamedTuple):
    """What an exported folder is made of."""

    network: nn.Module
    description: ModelDescription
    settings: Mapping[str, Any]
    """With an entry ``network``."""
    card: str
    """Markdown."""


def export(source: Path, out: Path, *, formats: Sequence[str]) -> dict[str, float]:
    """Write the folder ``out``, whole or not at all; see :func:`write_model`.

    Parameters
    ----------
    source: a run folder, a checkpoint in it, or an exported folder, for further formats.

    Raises ``InputError`` as :func:`mdhr.inference.model_loading.load_model`, and where ``out`` is there already.
    """
    check_free(out)
    check_packages(formats)
    return write_model(read_model(source), out, formats=formats)


def read_model(source: Path) -> TrainedModel:
    """What there is to export in a run or an exported folder."""
    if not is_exported(source):
        network, description, settings = load_trained_run(source)
        run = source if source.is_dir() else source.parent.parent
        return TrainedModel(network, description, settings, _card_of_run(run, description, settings))
    load_model(source, device="cpu")  # it is what it was
    folder = source if source.is_dir() else source.parent
    file, config = folder / FORMATS[SAFETENSORS].file, read_config(folder / CONFIG)
    if not file.is_file():
        raise InputError(f"{folder} has no {file.name}, of which every other format is made: export the run itself")
    description = ModelDescription.from_dict(config["model"], where=folder / CONFIG)
    card = run_card(description, config, None, name=folder.resolve().name)
    if (folder / README).is_file():
        card = (folder / README).read_text()
    return TrainedModel(stored_network(file, config), description, config, card)


def write_model(model: TrainedModel, out: Path, *, formats: Sequence[str]) -> dict[str, float]:
    """Write an exported folder; returns the largest difference of a score from the network's, by format.

    Raises ``InputError`` where a format cannot hold this network, or does not give the same scores to 1e-4.
    """
    description, network = model.description, model.network.eval().requires_grad_(False)
    cpu = torch.device("cpu")
    reference = Model(ScoringNetwork(network), description, cpu)
    config = {
        "version": VERSION,
        "model": description.as_dict(),
        "network": network_settings(model.settings["network"]),
        "fingerprint": reference.score(fixed_clips(description))[0].astype(float).round(6).tolist(),
    }
    batches = [fixed_clips(description, num_clips=num_clips, seed=num_clips) for num_clips in COMPARED_ON]
    expected = [reference.score(clips) for clips in batches]
    source, differences = Source(network, batches[-1]), {}
    with atomic_folder(out, advice="Fix this and export again.") as folder:
        (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=120))
        (folder / README).write_text(model.card)
        for name in formats:
            file = folder / FORMATS[name].file
            try:
                FORMATS[name].write(source, file)
                scores = [load_model(file, device=cpu, trusted=True).score(clips) for clips in batches]
            except InputError as error:
                raise InputError(f"{name}: {error}") from error
            except Exception as error:
                reason = " ".join(str(error).split())[:200]
                raise InputError(
                    f"this network cannot be exported as {name}: {type(error).__name__}: {reason}"
                ) from error
            differences[name] = float(max(np.abs(a - b).max() for a, b in zip(scores, expected, strict=True)))
            if not differences[name] <= AGREE:
                raise InputError(f"{name} scores differ by {differences[name]:.1e} from the network's, beyond {AGREE}")
    return differences


def check_free(out: Path) -> None:
    """``InputError`` where something is there: nothing is overwritten."""
    if out.exists():
        raise InputError(f"{out} is there already: choose another --out, or remove it")


def check_packages(formats: Sequence[str]) -> None:
    """``InputError`` for a format that nobody knows or whose packages are not installed; before anything is done."""
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"there is no format {name}: choose from {', '.join(FORMATS)}")
        for package in FORMATS[name].needs:
            required(name, package)


def report(differences: Mapping[str, float], out: Path) -> None:
    """Say what was written, and how well it agrees."""
    for name, difference in differences.items():
        print(f"{out / FORMATS[name].file}: scores as the network, to {difference:.1e}")
    print(f"the model is in {out}: mdhr.load({str(out)!r}); what it is and is not for: {out / README}")


def _card_of_run(run: Path, description: ModelDescription, settings: Mapping[str, Any]) -> str:
    if (run / FILE).is_file():
        return (run / FILE).read_text()
    from mdhr.training.run_record import METRICS_FILE, read_record  # imports Lightning

    record = read_record(run) if (run / METRICS_FILE).is_file() else None
    return run_card(description, settings, record, name=run.resolve().name)
