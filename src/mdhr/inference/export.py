"""Model export: ``mdhr export runs/demo --out exported/demo --formats safetensors,onnx,torch-export``.

The exported folder needs neither the run nor its data, and loads without Lightning::

    config.yaml         description, network settings, scores of a fixed clip
    README.md           model card
    model.safetensors   weights
    model.onnx          graph for onnxruntime, with the description as metadata
    model.pt2           graph for torch.export.load

Each file is read back and compared with the network before the folder appears.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from torch import nn

from mdhr.config.precision import FLOAT32
from mdhr.errors import InputError
from mdhr.files.folders import atomic_folder
from mdhr.inference.model import Model, ScoringNetwork
from mdhr.inference.model_card import MODEL_CARD_FILE, run_card
from mdhr.inference.model_description import ModelDescription
from mdhr.inference.model_fingerprint import compute_fingerprint, fixed_clips
from mdhr.inference.model_formats import (
    CONFIG_FILE,
    FORMATS,
    SAFETENSORS,
    ExportSource,
    import_package,
    read_safetensors_network,
)
from mdhr.inference.model_loading import CONFIG_VERSION, is_exported, load_model, load_trained_run, read_config
from mdhr.network.network_settings import network_settings

README_FILE = "README.md"
MAX_DIFFERENCE = 1e-4
"""Largest absolute difference between a score of an exported file and of the network."""
COMPARED_BATCH_SIZES = (1, 3)
"""Two sizes, to verify that the number of clips is free."""


class ExportableModel(NamedTuple):
    """Content of an exported folder, independent of the format."""

    network: nn.Module
    description: ModelDescription
    settings: Mapping[str, Any]
    """Settings with an entry ``network``."""
    card: str
    """Model card as Markdown."""


def export(source: Path, out: Path, *, formats: Sequence[str]) -> dict[str, float]:
    """Export a model to the new folder ``out`` and return the differences of :func:`write_model`.

    Args:
        source: run folder, checkpoint in it, or exported folder.
        formats: names from :data:`~mdhr.inference.model_formats.FORMATS`.

    Raises ``InputError`` if the model cannot be loaded, a format is unknown or lacks a package, or ``out`` exists.
    """
    check_output_folder(out)
    check_formats(formats)
    return write_model(read_model(source), out, formats=formats)


def read_model(source: Path) -> ExportableModel:
    """Return the model in a run or an exported folder."""
    if not is_exported(source):
        network, description, settings = load_trained_run(source)
        run = source if source.is_dir() else source.parent.parent
        return ExportableModel(network, description, settings, _card_of_run(run, description, settings))
    load_model(source, device="cpu", precision=FLOAT32)  # verifies the fingerprint
    folder = source if source.is_dir() else source.parent
    file = folder / FORMATS[SAFETENSORS].file
    if not file.is_file():
        raise InputError(f"{folder} has no {file.name}, from which other formats are created. Export the run instead.")
    config = read_config(folder / CONFIG_FILE)
    description = ModelDescription.from_dict(config["model"], where=folder / CONFIG_FILE)
    card = run_card(description, config, None, name=folder.resolve().name)
    if (folder / README_FILE).is_file():
        card = (folder / README_FILE).read_text()
    return ExportableModel(read_safetensors_network(file, config), description, config, card)


def write_model(model: ExportableModel, out: Path, *, formats: Sequence[str]) -> dict[str, float]:
    """Write an exported folder and return the largest difference between scores of file and network, by format.

    Raises ``InputError`` if the network cannot be exported to a format or a difference exceeds
    :data:`MAX_DIFFERENCE`; ``out`` does not exist then.
    """
    description, network = model.description, model.network.eval().requires_grad_(False)
    cpu = torch.device("cpu")
    reference = Model(ScoringNetwork(network), description, cpu)
    config = {
        "version": CONFIG_VERSION,
        "model": description.as_dict(),
        "network": network_settings(model.settings["network"]),
        "fingerprint": compute_fingerprint(reference),
    }
    batches = [fixed_clips(description, num_clips=size, seed=size) for size in COMPARED_BATCH_SIZES]
    expected = [reference.score(clips) for clips in batches]
    source, differences = ExportSource(network, config, batches[-1]), {}
    with atomic_folder(out, setting="--out", replace=False, advice="Fix this and export again.") as folder:
        check_output_folder(out)  # written by another process meanwhile
        (folder / CONFIG_FILE).write_text(yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=120))
        (folder / README_FILE).write_text(model.card)
        for name in formats:
            file = folder / FORMATS[name].file
            try:
                FORMATS[name].write(source, file)
                scores = [
                    load_model(file, device=cpu, precision=FLOAT32, trusted=True).score(clips) for clips in batches
                ]
            except InputError as error:
                raise InputError(f"{name}: {error}") from error
            except OSError:  # such as a full disk
                raise
            except Exception as error:
                reason = " ".join(str(error).split())[:200]
                raise InputError(
                    f"this network cannot be exported to {name}: {type(error).__name__}: {reason}. "
                    "Choose another format."
                ) from error
            differences[name] = float(max(np.abs(a - b).max() for a, b in zip(scores, expected, strict=True)))
            if not differences[name] <= MAX_DIFFERENCE:
                raise InputError(
                    f"{name}: scores differ by {differences[name]:.1e} from those of the network, "
                    f"more than {MAX_DIFFERENCE}. Choose another format."
                )
    return differences


def check_output_folder(out: Path) -> None:
    """Raise ``InputError`` if ``out`` exists."""
    if out.exists():
        raise InputError(f"{out} already exists. Choose another --out or delete it.")


def check_formats(formats: Sequence[str]) -> None:
    """Raise ``InputError`` if a format is unknown or its packages are not installed."""
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"unknown format {name}: choose from {', '.join(FORMATS)}")
        for package in FORMATS[name].packages:
            import_package(package, model_format=name)


def print_differences(differences: Mapping[str, float], out: Path) -> None:
    """Print the written files and the largest difference of their scores from those of the network."""
    for name, difference in differences.items():
        print(f"{out / FORMATS[name].file}: verified, largest score difference {difference:.1e}")
    print(f"Load the model with mdhr.load({str(out)!r}). Intended use and limits: {out / README_FILE}")


def _card_of_run(run: Path, description: ModelDescription, settings: Mapping[str, Any]) -> str:
    if (run / MODEL_CARD_FILE).is_file():
        return (run / MODEL_CARD_FILE).read_text()
    from mdhr.training.run_record import METRICS_FILE, read_record  # imports Lightning

    record = read_record(run) if (run / METRICS_FILE).is_file() else None
    return run_card(description, settings, record, name=run.resolve().name)
