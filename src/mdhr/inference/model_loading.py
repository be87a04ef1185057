"""Where models lie: runs of ``mdhr train`` and exported folders, and how either is opened.

::

    <run>/settings.yaml  checkpoints/best.ckpt  [model.yaml]             what a training leaves behind
    <exported>/config.yaml  model.safetensors  [model.onnx  model.pt2]   see mdhr.inference.export
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mdhr.errors import InputError
from mdhr.inference.model import Model, choose_device
from mdhr.inference.model_description import ModelDescription, describe_run, read_yaml
from mdhr.inference.model_formats import CONFIG, FORMATS, eager_scorer, fill_network
from mdhr.network.network_settings import build_network

SETTINGS = "settings.yaml"
BEST_CHECKPOINT = Path("checkpoints", "best.ckpt")
"""Paths in a run folder."""
VERSION = 1
"""Of ``config.yaml``; a later one may say what this code does not know."""
SAME = 1e-3
"""Largest difference of a score now from what it was when the model was exported."""
CELL = 16
"""Pixels of a square of one color in the clips that models are compared on."""


def load_model(path: str | Path, *, device: str | torch.device = "auto", trusted: bool = False) -> Model:
    """A trained model, ready to score.

    Parameters
    ----------
    path: a run folder, a checkpoint in one (``runs/demo/checkpoints/best.ckpt``), an exported folder, or a file of one
        (``model.safetensors``, ``model.pt2``, ``model.onnx``).
    device: ``auto`` takes the accelerator where there is one.
    trusted: you made the file yourself. ``model.pt2`` alone asks for it: torch reads it by unpickling.

    Raises ``InputError`` that names the file where there is no model, it is not whole, asks for something that no model
    needs, or scores otherwise than it did when it was exported.
    """
    path, device = Path(path).expanduser(), choose_device(device)
    if not path.exists():
        raise InputError(f"no model at {path}: give a run folder, a checkpoint in it, or an exported folder")
    if is_exported(path):
        return _open_exported(path, device, trusted=trusted)
    run = load_trained_run(path)
    return Model(eager_scorer(run.network, device), run.description, device)


def is_exported(path: Path) -> bool:
    """Is it an exported folder or a file of one, and not a run or its checkpoint?"""
    return (path / CONFIG).is_file() or (path.is_file() and path.suffix != ".ckpt")


class TrainedRun(NamedTuple):
    """Network and settings of a finished training run."""

    network: nn.Module
    """In training mode, on the CPU."""
    description: ModelDescription
    settings: dict[str, Any]
    """Content of ``settings.yaml``."""


def load_trained_run(path: Path) -> TrainedRun:
    """Load the network of a training run with the weights of a checkpoint.

    ``settings.yaml`` is never passed to Hydra's ``instantiate``; see :mod:`mdhr.network.network_settings`.

    Parameters
    ----------
    path: run folder, for its best checkpoint, or a checkpoint in one.

    Raises ``InputError`` if a file is missing or unsafe to read, or if the weights do not match the settings.
    """
    # Imports Lightning, which an exported model does not need.
    from mdhr.training.checkpoint_file import read_checkpoint

    checkpoint = path / BEST_CHECKPOINT if path.is_dir() else path
    run = checkpoint.parent.parent
    if not (run / SETTINGS).is_file():
        raise InputError(
            f"{path} does not belong to a run: {run / SETTINGS} does not exist. "
            "Pass a run folder such as runs/demo, or an exported model."
        )
    settings = read_yaml(run / SETTINGS)
    network = build_network(settings, where=run / SETTINGS)
    state, prefix = read_checkpoint(checkpoint)["state_dict"], "network."
    fill_network(network, {key[len(prefix) :]: x for key, x in state.items() if key.startswith(prefix)}, checkpoint)
    return TrainedRun(network, describe_run(run, settings), settings)


def fixed_clips(description: ModelDescription, *, num_clips: int = 1, seed: int = 0) -> Tensor:
    """Clips ``B T 3 S S`` uint8, the same everywhere: squares of random colors, which move every layer."""
    side = -(-description.crop_size // CELL)
    shape = (num_clips, description.num_frames, 3, side, side)
    # Of a generator the raw bits are what stays the same in every version of numpy.
    bits = np.random.PCG64(seed).random_raw(int(np.prod(shape))) >> 56
    squares = bits.astype(np.uint8).reshape(shape).repeat(CELL, axis=-2).repeat(CELL, axis=-1)
    return torch.from_numpy(squares[..., : description.crop_size, : description.crop_size].copy())


def check_fingerprint(model: Model, fingerprint: Any, file: Path) -> None:
    """``InputError`` where a model does not score :func:`fixed_clips` as it did when it was exported."""
    scores, expected = model.score(fixed_clips(model.description))[0], np.array(fingerprint, dtype=np.float32)
    if expected.shape != scores.shape or not np.abs(expected - scores).max() <= SAME:
        raise InputError(f"{file} does not score as it did when it was exported: take all files of one export")


def read_config(file: Path) -> Mapping[str, Any]:
    """``config.yaml`` of an exported folder; ``InputError`` where it is none of this version's."""
    config = read_yaml(file)
    if not isinstance(config, Mapping) or config.get("version") != VERSION:
        raise InputError(f"{file} is of no exported model that this version of mdhr knows: export the model again")
    return config


def exported_file(path: Path) -> Path:
    """The file of an exported folder to read, the first in the order of ``FORMATS``, or that which was asked for."""
    known = [format.file for format in FORMATS.values()]
    if path.is_file():
        if path.name not in known or not path.with_name(CONFIG).is_file():
            raise InputError(
                f"{path} is no model: give a run folder, its checkpoints/best.ckpt, or an exported folder; a "
                "checkpoint of the released code goes through mdhr convert first"
            )
        return path
    there = [path / name for name in known if (path / name).is_file()]
    if not there:
        raise InputError(f"{path} has a {CONFIG} and none of {', '.join(known)}: export the model again")
    return there[0]


def _open_exported(path: Path, device: torch.device, *, trusted: bool) -> Model:
    file = exported_file(path)
    where = file.with_name(CONFIG)
    config = read_config(where)
    description = ModelDescription.from_dict(config.get("model"), where=where)
    form = next(form for form in FORMATS.values() if form.file == file.name)
    if form.runs_code and not trusted:
        raise InputError(
            f"{file} is a program, which torch reads by unpickling: load {FORMATS['safetensors'].file} instead, "
            "or say trusted=True if you made it yourself"
        )
    cpu = torch.device("cpu")
    model = Model(form.read(file, config, cpu), description, cpu)
    # Always there: an accelerator rounds more coarsely, and where that turns a gate scores differ by much.
    check_fingerprint(model, config.get("fingerprint"), file)
    return model if device == cpu else Model(form.read(file, config, device), description, device)
