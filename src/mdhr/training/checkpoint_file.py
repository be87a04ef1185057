"""Read a training checkpoint, and say in one line why it does not fit."""

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from mdhr.errors import InputError
from mdhr.training.module import AU_SET_KEY, ActionUnitModule


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint that ``mdhr train`` wrote, on the CPU; raises ``InputError`` for anything else."""
    if not path.is_file():
        raise InputError(f"{path} is not there: give a checkpoint such as runs/<name>/checkpoints/best.ckpt")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} cannot be read as a checkpoint, it may be cut short: {_first_line(error)}") from error
    if not isinstance(checkpoint, dict) or not {"state_dict", AU_SET_KEY} <= set(checkpoint):
        raise InputError(f"{path} was not written by mdhr train; a checkpoint of the released code is no run of ours")
    return checkpoint


def load_module(cfg: DictConfig, path: Path) -> ActionUnitModule:
    """The module that ``cfg`` describes, with the weights of a checkpoint that ``mdhr train`` wrote.

    Raises ``InputError`` if the checkpoint cannot be read or is of another network or action unit set.
    """
    checkpoint = read_checkpoint(path)
    module: ActionUnitModule = instantiate(cfg.module, _convert_="all")
    check_fits(checkpoint, module, path)
    module.load_state_dict(checkpoint["state_dict"])
    return module


def check_fits(checkpoint: Mapping[str, Any], module: ActionUnitModule, path: Path) -> None:
    """Raise ``InputError`` unless the checkpoint holds the action unit set and the network of ``module``."""
    if checkpoint[AU_SET_KEY] != module.au_set.name:
        raise InputError(
            f"{path} was trained for the action units of {checkpoint[AU_SET_KEY]}, the data has those of "
            f"{module.au_set.name}: choose data= with data.au_set.name={checkpoint[AU_SET_KEY]}, or another checkpoint"
        )
    theirs: Mapping[str, Tensor] = checkpoint["state_dict"]
    ours = module.state_dict()
    differences = [
        ("missing", ours.keys() - theirs.keys()),
        ("unexpected", theirs.keys() - ours.keys()),
        ("of another shape", {key for key in ours.keys() & theirs.keys() if ours[key].shape != theirs[key].shape}),
    ]
    said = [f"{len(keys)} keys {what} ({_some(keys)})" for what, keys in differences if keys]
    if said:
        raise InputError(
            f"{path} is of another network: {'; '.join(said)}. Choose the backbone=, network= or experiment= "
            "it was trained with"
        )


def _some(keys: Iterable[str], limit: int = 3) -> str:
    names = sorted(keys)
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
