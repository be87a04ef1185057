"""Loading of trained models: runs of ``mdhr train`` and exported folders.

::

    <run>/       settings.yaml  model.yaml  checkpoints/best.ckpt
    <exported>/  config.yaml  model.safetensors  [model.onnx  model.pt2]
    <any>.onnx   exported by this package; contains its description

Loading runs no code from the files: weights are read as tensors only, and settings are numbers and names from an
allow-list (:mod:`mdhr.network.network_settings`). ``model.pt2`` is the exception; see :func:`load_model`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from mdhr.config.precision import AUTO
from mdhr.errors import InputError, shown
from mdhr.files.yaml_files import read_yaml
from mdhr.inference.accelerated_scorer import accelerate_scorer
from mdhr.inference.model import Model, Scorer, choose_device
from mdhr.inference.model_description import ModelDescription, read_run_description
from mdhr.inference.model_fingerprint import matches_fingerprint
from mdhr.inference.model_formats import (
    CONFIG_FILE,
    FORMATS,
    ONNX,
    SAFETENSORS,
    TORCH_EXPORT,
    eager_scorer,
    fill_network,
    read_onnx_metadata,
)
from mdhr.inference.onnx_metadata import config_from_metadata
from mdhr.network.checkpoints.tensor_file import read_tensor_file
from mdhr.network.checkpoints.timm_weights import first_line
from mdhr.network.network_settings import build_network

SETTINGS_FILE = "settings.yaml"
BEST_CHECKPOINT = Path("checkpoints", "best.ckpt")
"""Paths in a run folder."""
SHIPPED_MODEL = Path(__file__).with_name("shipped_model")
"""Exported folder of the model that is part of the package; experiments/shipped_model/README.md describes it."""
CONFIG_VERSION = 1
"""Version of ``config.yaml``."""


def load_model(
    path: str | Path = SHIPPED_MODEL,
    *,
    device: str | torch.device = "auto",
    precision: str = AUTO,
    compiled: bool = False,
    trusted: bool = False,
) -> Model:
    """Load a trained model.

    Args:
        path: run folder, checkpoint in one (``runs/demo/checkpoints/best.ckpt``), exported folder, or file in one
            (``model.safetensors``, ``model.onnx``, ``model.pt2``). An ``.onnx`` file may lie anywhere. By default the
            model that is part of the package.
        device: PyTorch device; ``auto`` is the accelerator if there is one, else the CPU.
        precision: ``32-true``, ``bf16-mixed``, or ``auto`` for bfloat16 where the device computes in it. Graphs in ONNX and
            torch.export files are float32.
        compiled: compile the network with ``torch.compile``, which pays off for hours of video.
        trusted: allow ``model.pt2``, which torch unpickles and which may therefore run any code. Pass True only for a file
            you created yourself.

    Raises ``InputError`` if there is no model, a file is incomplete or unsafe to read, or the scores of an exported
    model differ from those at export.
    """
    path, device = Path(path).expanduser(), choose_device(device)
    if not path.exists():
        raise InputError(f"no model at {path}. Pass a run folder, a checkpoint in it, or an exported folder.")
    if is_exported(path):
        scorer, description = _read_exported(path, device, trusted=trusted)
    else:
        run = load_trained_run(path)
        scorer, description = eager_scorer(run.network, device), run.description
    scorer, precision = accelerate_scorer(scorer, device, precision=precision, compiled=compiled)
    return Model(scorer, description, device, precision=precision)


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

    Args:
        path: run folder, for its best checkpoint, or a checkpoint in one.

    Raises ``InputError`` if a file is missing or unsafe to read, or if the weights do not match the settings.
    """
    # Imports Lightning, which an exported model does not need.
    from mdhr.training.checkpoint_file import read_checkpoint

    checkpoint = path / BEST_CHECKPOINT if path.is_dir() else path
    run = checkpoint.parent.parent
    if not (run / SETTINGS_FILE).is_file():
        raise InputError(
            f"{path} does not belong to a run: {run / SETTINGS_FILE} does not exist. "
            "Pass a run folder such as runs/demo or an exported folder, or convert a checkpoint of the released code "
            "with mdhr convert."
        )
    settings = read_yaml(run / SETTINGS_FILE)
    network = build_network(settings, where=run / SETTINGS_FILE)
    state, prefix = read_checkpoint(checkpoint)["state_dict"], "network."
    fill_network(network, {key[len(prefix) :]: x for key, x in state.items() if key.startswith(prefix)}, checkpoint)
    return TrainedRun(network, read_run_description(run, settings), settings)


def is_exported(path: Path) -> bool:
    """Whether ``path`` is an exported folder or a file other than a training checkpoint."""
    return (path / CONFIG_FILE).is_file() or (path.is_file() and path.suffix != ".ckpt")


def read_config(file: Path) -> Mapping[str, Any]:
    """Return the content of ``config.yaml``; raises ``InputError`` if its version is not :data:`CONFIG_VERSION`."""
    config = read_yaml(file)
    _check_version(config, file)
    return config


def _check_version(config: Any, file: Path) -> None:
    version = config.get("version") if isinstance(config, Mapping) else None
    if version is None:
        raise InputError(
            f"{file} was not written by mdhr export: it has no version. Pass a run folder or exported folder."
        )
    if version != CONFIG_VERSION:
        raise InputError(
            f"{file}: version {shown(version)} is not supported, expected {CONFIG_VERSION}. "
            "Export the model again with this version of mdhr."
        )


def _read_exported(path: Path, device: torch.device, *, trusted: bool) -> tuple[Scorer, ModelDescription]:
    file = _model_file(path)
    model_format = next(each for each in FORMATS.values() if each.suffix == file.suffix)
    config, where = _read_config_of(file)
    description = ModelDescription.from_dict(config.get("model"), where=where)
    if model_format.runs_code and not trusted:
        raise InputError(
            f"{file} may run any code when torch unpickles it. Load {FORMATS[SAFETENSORS].file} instead, "
            "or pass trusted=True (--trusted) if you created the file yourself."
        )
    cpu = torch.device("cpu")
    scorer = model_format.read(file, config, cpu)
    try:
        # Compared on the CPU in float32: other arithmetic rounds differently, and a flipped gate of the graph changes
        # scores by much.
        is_same = matches_fingerprint(Model(scorer, description, cpu), config.get("fingerprint"))
    except Exception as error:  # a graph raises errors of any type
        problem = shown(first_line(error), limit=300)
        raise InputError(f"{file} does not fit its description: {problem}") from error
    if not is_same:
        raise InputError(f"{file}: scores differ from those at export. Use files of a single export only.")
    return scorer if device == cpu else model_format.read(file, config, device), description


def _read_config_of(file: Path) -> tuple[Mapping[str, Any], Path]:
    """Return the content of ``config.yaml`` for an exported file, and the file that contains it.

    ONNX files contain it themselves, except those exported by an earlier version.
    """
    config_file = file.with_name(CONFIG_FILE)
    if file.suffix != FORMATS[ONNX].suffix:
        return read_config(config_file), config_file
    try:
        config = config_from_metadata(read_onnx_metadata(file))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file}: invalid metadata: {shown(str(error))}") from error
    if config is not None:
        _check_version(config, file)
        return config, file
    if not config_file.is_file():
        raise InputError(
            f"{file} was not exported by this package: it has no metadata that describe the model. "
            "Create the file with mdhr export."
        )
    return read_config(config_file), config_file


def _model_file(path: Path) -> Path:
    """Return ``path`` if it is a file, else the first file of an exported folder in the order of :data:`FORMATS`."""
    names = [each.file for each in FORMATS.values()]
    if path.is_file():
        if path.suffix == FORMATS[ONNX].suffix or (path.name in names and path.with_name(CONFIG_FILE).is_file()):
            return path
        if path.suffix != FORMATS[TORCH_EXPORT].suffix:
            read_tensor_file(path)  # an unreadable file is reported with the cause
        raise InputError(
            f"{path} does not contain the settings of its network. Pass a run folder, its checkpoints/best.ckpt, or an "
            "exported folder, or convert a checkpoint of the released code with mdhr convert."
        )
    existing = [path / name for name in names if (path / name).is_file()]
    if not existing:
        raise InputError(f"{path} contains {CONFIG_FILE} but none of {', '.join(names)}. Export the model again.")
    return existing[0]
