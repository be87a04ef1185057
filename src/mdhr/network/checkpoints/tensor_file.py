"""Reading of checkpoint files by unknown authors: safetensors or ``torch.save``, tensors and plain values only."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from mdhr.errors import InputError, listed
from mdhr.network.checkpoints.unreadable_file import describe_start, describe_unreadable, is_safetensors

STATE_DICT_KEYS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net", "network")
"""Keys under which training scripts store a state dict, in the order of preference."""
_WRAPPER_PREFIX = re.compile(r"(?:(?:module|_orig_mod)\.)+")
"""Prefixes of ``DataParallel`` and ``torch.compile``."""
_SHARED_PREFIXES = ("model.", "net.")
"""Attributes in which training modules store a network; removed if all keys begin with them."""
_MAX_WRAPPERS = 10


def read_tensor_file(path: str | Path, *, kind: str = "checkpoint") -> Any:
    """Return the content of a checkpoint file on the CPU, read without unpickling code.

    Args:
        path: safetensors file, or file of ``torch.save``; the content determines which, not the suffix.
        kind: noun for error messages.

    Raises:
        InputError: the file does not exist or cannot be read; the message contains the cause.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not a regular file" if path.exists() else "does not exist"
        raise InputError(f"{kind} '{path}' {what}. Pass an existing file.")
    if problem := describe_start(path):
        raise InputError(f"{kind} '{path}' {problem}")
    try:
        if is_safetensors(path):
            return safetensors.torch.load_file(path)
        # A stream, because torch.load chooses the format of a path by its suffix.
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about unusual pickles
            return torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:
        try:
            problem = describe_unreadable(path)
        except Exception:  # the libraries raise errors of many types for damaged archives and pickles
            problem = "is damaged. Copy or download it again."
        raise InputError(f"{kind} '{path}' {problem}") from error


def unwrap_state_dict(content: Any) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name.

    Removes the keys :data:`STATE_DICT_KEYS` and the prefixes ``module.``, ``_orig_mod.``, ``model.`` and ``net.`` at
    any depth.

    Raises:
        InputError: the content is not a state dict, or two tensors have the same name without prefixes.
    """
    if not isinstance(content, Mapping):
        what = f"one tensor {tuple(content.shape)}" if isinstance(content, Tensor) else f"a {type(content).__name__}"
        raise InputError(
            f"contains only {what}. Expected a state dict, as saved by torch.save(model.state_dict(), ...)."
        )
    for _ in range(_MAX_WRAPPERS):
        content = next((content[key] for key in STATE_DICT_KEYS if isinstance(content.get(key), Mapping)), content)
    tensors = {key: x for key, x in content.items() if isinstance(key, str) and isinstance(x, Tensor)}
    if not tensors:
        what = f"only the keys {listed(list(content))}" if content else "an empty dict"
        raise InputError(
            f"contains no tensors, {what}. Expected a state dict, or one under {', '.join(STATE_DICT_KEYS)}."
        )
    state = {_without_wrappers(key): x for key, x in tensors.items()}
    while prefix := next((p for p in _SHARED_PREFIXES if all(key.startswith(p) for key in state)), ""):
        state = {_without_wrappers(key.removeprefix(prefix)): x for key, x in state.items()}
    if len(state) < len(tensors):
        raise InputError("contains tensors whose names differ only by a prefix such as module. Keep one of each.")
    return state


def _without_wrappers(key: str) -> str:
    return _WRAPPER_PREFIX.sub("", key, count=1) if _WRAPPER_PREFIX.match(key) else key
