"""Training checkpoints: read one safely, check that it fits a module, and load it.

A checkpoint contains weights and the state of the optimizer. It does not describe its network: the settings do
(:mod:`mdhr.training.run_folder`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mdhr.action_units import parse_action_unit_set
from mdhr.config.argument_check import check_arguments
from mdhr.config.plain_settings import checked_au_set, checked_node, plain_values
from mdhr.errors import InputError, listed
from mdhr.network.checkpoints.tensor_file import read_tensor_file
from mdhr.network.network_settings import build_network
from mdhr.training.module import AU_SET_KEY, ActionUnitModule

_TRAINING_STATE = {
    "pytorch-lightning_version": str,
    "epoch": int,
    "global_step": int,
    "loops": Mapping,
    "callbacks": Mapping,
    "optimizer_states": list,
    "lr_schedulers": list,
}
"""Keys of a checkpoint that Lightning restores besides the weights, with their types."""
MODULE = "mdhr.training.module.ActionUnitModule"


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint of ``mdhr train`` on the CPU; raises ``InputError`` for any other file.

    Only tensors and plain values are unpickled.
    """
    if not path.is_file():
        raise InputError(f"checkpoint {path} does not exist. Pass a file such as runs/<name>/checkpoints/best.ckpt.")
    checkpoint = read_tensor_file(path)
    if not isinstance(checkpoint, dict) or not _is_training_checkpoint(checkpoint):
        raise InputError(
            f"{path} was not written by mdhr train. Convert a checkpoint of the released code with mdhr convert."
        )
    return checkpoint


def _is_training_checkpoint(checkpoint: Mapping[Any, Any]) -> bool:
    state = checkpoint.get("state_dict")
    return (
        isinstance(checkpoint.get(AU_SET_KEY), str | dict)
        and isinstance(state, Mapping)
        and all(isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items())
    )


def check_resumable(checkpoint: Mapping[str, Any], module: ActionUnitModule, path: Path) -> None:
    """Raise ``InputError`` unless training of ``module`` can continue from the checkpoint ``path``."""
    check_fits(checkpoint, module, path)
    check_training_state(checkpoint, path)


def check_training_state(checkpoint: Any, path: Path) -> None:
    """Raise ``InputError`` unless the content of the file ``path`` is a Lightning checkpoint with its training state."""
    content = checkpoint if isinstance(checkpoint, Mapping) else {}
    wrong = [key for key, kind in _TRAINING_STATE.items() if not isinstance(content.get(key), kind)]
    if wrong:
        raise InputError(
            f"{path} does not contain the state of a training ({wrong[0]} is missing or damaged). Pass a checkpoint "
            "that mdhr train wrote."
        )


def load_module(settings: Mapping[str, Any], path: Path) -> ActionUnitModule:
    """Return the module that resolved ``settings`` describe, with the weights of the checkpoint ``path``.

    Raises ``InputError`` if the settings name anything but our classes, if the checkpoint cannot be read, or if it
    contains another network or action unit set.
    """
    checkpoint = read_checkpoint(path)
    module = _build_module(settings, where=path)
    check_fits(checkpoint, module, path)
    module.load_state_dict(checkpoint["state_dict"])
    return module


def check_fits(checkpoint: Mapping[str, Any], module: ActionUnitModule, path: Path) -> None:
    """Raise ``InputError`` unless the checkpoint contains the action unit set and the network of ``module``."""
    try:
        au_set = parse_action_unit_set(checkpoint[AU_SET_KEY])
    except InputError as error:
        raise InputError(f"{path}: {error} Pass another checkpoint.") from error
    if not au_set.same_outputs(module.au_set):
        raise InputError(
            f"{path} was trained for the action units of {au_set.name}, the data has those of {module.au_set.name}. "
            f"Pass data=... with the data.au_set of {au_set.name}, or another checkpoint."
        )
    stored: Mapping[str, Tensor] = checkpoint["state_dict"]
    expected = module.state_dict()
    differences = {
        "missing": expected.keys() - stored.keys(),
        "unexpected": stored.keys() - expected.keys(),
        "of another shape": {
            key for key in expected.keys() & stored.keys() if expected[key].shape != stored[key].shape
        },
    }
    lines = [f"{len(keys)} keys {what} ({listed(sorted(keys))})" for what, keys in differences.items() if keys]
    if lines:
        raise InputError(
            f"{path} is of another network: {'; '.join(lines)}. Choose the backbone=, network= or experiment= "
            "it was trained with."
        )


def _build_module(settings: Mapping[str, Any], *, where: Path) -> ActionUnitModule:
    """Return the module with random weights; it is not compiled."""
    network = build_network(settings, where=where)
    try:
        node = checked_node(settings.get("module"), "module", (MODULE,))
        for key in ("_target_", "network", "au_set"):
            node.pop(key, None)
        au_set = checked_au_set(settings["network"]["au_set"], "network.au_set")
        values = plain_values(node, "module", lists=True) | {"compiled": False}
        check_arguments(ActionUnitModule, values, where="module")
        return ActionUnitModule(network=network, au_set=au_set, **values)
    except (KeyError, TypeError, ValueError) as error:  # InputError is a ValueError
        raise InputError(f"{where}: {' '.join(str(error).split())}") from error
