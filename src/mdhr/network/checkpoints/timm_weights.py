"""Weights of a timm model from a local file or the Hugging Face hub, checked key by key.

timm itself accepts a partly fitting file in silence once the classifier is dropped, and without a network it retries
for the better part of a minute. Here both end at once in one line.
"""

import logging
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import huggingface_hub
import timm
from torch import Tensor, nn

from mdhr.errors import InputError

HUB_FILE = "model.safetensors"
HUB_TIMEOUT = 3.0
"""Seconds within which the hub must answer."""

NAMED = 4
"""How many keys an error names."""


def load_pretrained(model: nn.Module, path: str | Path, *, ignored: Collection[str]) -> None:
    """Fill a timm model from a file in timm's format (safetensors, or torch weights that need no unpickling).

    Parameters
    ----------
    model: the model without its classifier.
    path: the file.
    ignored: keys that the file may hold and the model has dropped (its classifier).

    Raises
    ------
    InputError: the file is absent, unreadable, or fits another model; missing, unexpected and misshapen keys are named.
    """
    state = read_weights(path)
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if convert is not None:  # older key layouts, relative position tables of another input size
        state = convert(state, model)
    expected = model.state_dict()
    state = {key: value for key, value in state.items() if key in expected or key not in ignored}
    problem = describe_mismatch(state, expected)
    if problem:
        raise InputError(f"{path} does not fit the backbone {type(model).__name__}: {problem}")
    model.load_state_dict(state, strict=False)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """State dict of a file; ``InputError`` where there is none."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"no weights at {path}: give an existing file of weights")
    logging.getLogger("timm.models._helpers").setLevel(logging.WARNING)  # a line for every file that went well
    try:
        return timm.models.load_state_dict(str(path))
    except Exception as error:
        raise InputError(f"cannot read weights from {path}: {first_line(error)}") from error


def describe_mismatch(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """What keeps ``state`` from filling ``expected``, in one line; empty if nothing does.

    Counters of batch normalization may be absent: old files do not have them and no result depends on them.
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
    """``2 missing (a, b); 1 unexpected (c)`` for the kinds of keys that there are; long lists are cut."""
    return "; ".join(
        f"{len(keys)} {kind} ({', '.join(keys[:NAMED])}{', ...' if len(keys) > NAMED else ''})"
        for kind, keys in kinds.items()
        if keys
    )


def fetch_from_hub(pretrained_cfg: Mapping) -> Path:
    """Path of a timm model's weights in the local cache, downloaded if need be.

    Raises
    ------
    InputError: at once, when the weights are not cached and the hub does not answer.
    """
    repository = pretrained_cfg.get("hf_hub_id")
    name = pretrained_cfg.get("architecture", "this backbone")
    if not repository:
        raise InputError(f"timm has no pretrained weights for {name}: give a local file as backbone.weights")
    cached = huggingface_hub.try_to_load_from_cache(repository, HUB_FILE)
    if isinstance(cached, str):
        return Path(cached)
    try:
        url = huggingface_hub.hf_hub_url(repository, HUB_FILE)
        huggingface_hub.get_hf_file_metadata(url, timeout=HUB_TIMEOUT)
        return Path(huggingface_hub.hf_hub_download(repository, HUB_FILE))
    except Exception as error:
        raise InputError(
            f"cannot fetch the pretrained weights {repository} from the Hugging Face hub ({first_line(error)}): "
            "give a local file as backbone.weights or set backbone.pretrained=false"
        ) from error


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its type where it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
