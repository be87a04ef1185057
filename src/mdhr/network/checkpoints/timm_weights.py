"""Weights of timm models from a local file or the Hugging Face hub, checked key by key.

timm loads files that fit only partly without a warning once the classifier is removed, and retries for almost a minute
without a network connection. Here both raise an error immediately.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import huggingface_hub
from torch import Tensor, nn

from mdhr.errors import InputError, listed
from mdhr.network.checkpoints.tensor_file import read_tensor_file, unwrap_state_dict

HUB_FILE = "model.safetensors"
HUB_TIMEOUT = 3.0
"""Seconds to wait for an answer of the hub."""
"""Keys of one kind that an error message lists."""


def load_pretrained(model: nn.Module, path: str | Path, *, ignored: Collection[str]) -> None:
    """Load a file in timm's format (safetensors, or torch weights without pickled code) into a timm model.

    Args:
        model: the model without its classifier.
        path: the file.
        ignored: keys that the file may contain although the model does not (its classifier).

    Raises:
        InputError: the file does not exist, cannot be read, or does not fit; the message names the keys.
    """
    state = read_weights(path)
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if convert is not None:  # older key layouts, relative position tables of another input size
        state = convert(state, model)
    expected = model.state_dict()
    state = {key: value for key, value in state.items() if key in expected or key not in ignored}
    problem = describe_mismatch(state, expected)
    if problem:
        raise InputError(
            f"weights '{path}' do not fit the backbone {type(model).__name__}: {problem}. "
            "Pass weights of the timm model that backbone.name selects."
        )
    model.load_state_dict(state, strict=False)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Return the state dict of a file.

    Raises:
        InputError: the file does not exist, cannot be read, or contains no state dict.
    """
    content = read_tensor_file(path, kind="weights file")
    try:
        return unwrap_state_dict(content)
    except InputError as error:
        raise InputError(f"weights file '{path}' {error}") from error


def describe_mismatch(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Return the missing, unexpected and misshapen keys of a state dict in one line; empty if it fits.

    ``num_batches_tracked`` may be missing: old files do not contain it and no result depends on it.
    """
    missing = [k for k in expected if k not in state and not k.endswith("num_batches_tracked")]
    unexpected = [k for k in state if k not in expected]
    misshapen = [
        f"{k} {tuple(state[k].shape)} instead of {tuple(expected[k].shape)}"
        for k in state
        if k in expected and state[k].shape != expected[k].shape
    ]
    return describe_keys(missing=missing, unexpected=unexpected, misshapen=misshapen)


def describe_keys(**kinds: Sequence[str]) -> str:
    """Return for example ``2 missing (a, b); 1 unexpected (c)``, without empty kinds and with long lists cut."""
    return "; ".join(f"{len(keys)} {kind} ({listed(keys)})" for kind, keys in kinds.items() if keys)


def fetch_from_hub(pretrained_cfg: Mapping) -> Path:
    """Return the path of a timm model's weights in the local cache, after a download if they are not cached.

    Raises:
        InputError: timm has no weights for the model, or they are not cached and the hub does not answer.
    """
    repository = pretrained_cfg.get("hf_hub_id")
    name = pretrained_cfg.get("architecture", "this backbone")
    if not repository:
        raise InputError(
            f"timm has no pretrained weights for {name}. "
            "Set backbone.weights to a local file or backbone.pretrained=false."
        )
    cached = huggingface_hub.try_to_load_from_cache(repository, HUB_FILE)
    if isinstance(cached, str):
        return Path(cached)
    try:
        url = huggingface_hub.hf_hub_url(repository, HUB_FILE)
        huggingface_hub.get_hf_file_metadata(url, timeout=HUB_TIMEOUT)
        return Path(huggingface_hub.hf_hub_download(repository, HUB_FILE))
    except Exception as error:
        raise InputError(
            f"cannot download the pretrained weights {repository} from the Hugging Face hub ({first_line(error)}). "
            "Set backbone.weights to a local file or backbone.pretrained=false."
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type if the message is empty."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
