"""Trained networks from which fine-tuning starts: runs, checkpoints, exported models and converted checkpoints."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet, parse_action_unit_set
from mdhr.config.plain_settings import checked_au_set
from mdhr.errors import InputError
from mdhr.files.yaml_files import read_yaml
from mdhr.network.checkpoints.fine_tuning import CopyReport, transfer_weights
from mdhr.network.checkpoints.tensor_file import read_tensor_file
from mdhr.training.checkpoint_file import read_checkpoint
from mdhr.training.module import AU_SET_KEY

SETTING = "finetune_from"
_EXPORTED = ("config.yaml", "model.safetensors")
_BEST_CHECKPOINT = "checkpoints/best.ckpt"
_EXPECTED = (
    "Pass a run folder such as runs/demo, a checkpoint in one, or a folder with config.yaml and model.safetensors of mdhr "
    "export or mdhr convert."
)


class TrainedNetwork(NamedTuple):
    """Weights of a trained network."""

    state: dict[str, Tensor]
    au_set: ActionUnitSet


def initialize_from(network: nn.Module, path: str | Path, *, au_set: ActionUnitSet) -> CopyReport:
    """Copy the weights of a trained network into ``network`` where they correspond.

    Args:
        path: see :func:`read_trained`.
        au_set: action units of ``network``.

    Raises:
        InputError: the file does not exist, cannot be read, or belongs to a network with another backbone or width.
    """
    trained = read_trained(path)
    try:
        state, report = transfer_weights(trained.state, network.state_dict(), trained_set=trained.au_set, au_set=au_set)
    except InputError as error:
        raise InputError(f"{SETTING}={path} does not fit this network: {error}") from error
    network.load_state_dict(state)
    return report


def read_trained(path: str | Path) -> TrainedNetwork:
    """Return weights and action units of a trained network, read without running code from the file.

    Args:
        path: run folder (its best checkpoint), checkpoint of ``mdhr train``, or exported folder or the safetensors file in
            it.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    path = Path(path).expanduser()
    if path.is_dir() and (path / _BEST_CHECKPOINT).is_file():
        path = path / _BEST_CHECKPOINT
    folder = path if path.is_dir() else path.parent
    config, weights = (folder / name for name in _EXPORTED)
    if config.is_file() and path in (folder, weights):
        if not weights.is_file():
            raise InputError(f"{SETTING}: {weights} does not exist. Export the model with --formats safetensors.")
        return TrainedNetwork(_tensors(read_tensor_file(weights), weights), _exported_set(read_yaml(config), config))
    if path.is_dir() or not path.exists():
        raise InputError(f"{SETTING}: there is no trained model in {path}. {_EXPECTED}")
    if path.suffix != ".ckpt":
        raise InputError(f"{SETTING}: {path} does not contain the action units of its network. {_EXPECTED}")
    checkpoint, prefix = read_checkpoint(path), "network."
    state = {key.removeprefix(prefix): x for key, x in checkpoint["state_dict"].items() if key.startswith(prefix)}
    return TrainedNetwork(state, parse_action_unit_set(checkpoint[AU_SET_KEY]))


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    if not isinstance(content, dict) or not all(isinstance(x, Tensor) for x in content.values()):
        raise InputError(f"{SETTING}: {path} contains more than tensors. Export the model again.")
    return content


def _exported_set(config: Any, path: Path) -> ActionUnitSet:
    try:
        return checked_au_set(config["network"]["au_set"], "network.au_set")
    except (KeyError, TypeError, ValueError) as error:  # InputError is a ValueError
        raise InputError(f"{SETTING}: {path} does not contain an action unit set. Export the model again.") from error
