"""Names of the run folders of a multirun; ``conf/train.yaml`` uses the resolver ``job_folder``."""

import hashlib
import re

MAX_BYTES = 200
"""Largest length of a name. File systems allow 255 bytes; the rest is for suffixes of temporary files."""

_SYMBOLS = {"temporal_radius": "k", "region_weight": "lambda"}


def job_folder(overrides: str) -> str:
    """Return one folder name for the overrides of a job, such as ``data.fold=1,seed=2``.

    Characters that separate folders or have a meaning in a shell become ``_``, and a name longer than ``MAX_BYTES`` is
    cut. A changed name ends in a hash of the overrides, so that different jobs have different folders.
    """
    name = re.sub(r"[^\w=,.+~:\[\]-]+", "_", overrides)
    if name == overrides and len(name.encode()) <= MAX_BYTES:
        return name
    suffix = "-" + hashlib.sha256(overrides.encode()).hexdigest()[:10]
    return name.encode()[: MAX_BYTES - len(suffix)].decode(errors="ignore") + suffix


def job_label(overrides: str) -> str:
    """Return a short label of the overrides of a job, such as ``k=3 seed=2`` for ``network.temporal_radius=3,seed=2``."""
    parts = re.split(r",(?=[\w./+~@]+=)", overrides)
    named = [(key.rpartition(".")[2], value) for key, _, value in (part.partition("=") for part in parts) if value]
    return " ".join(f"{_SYMBOLS.get(key, key)}={value}" for key, value in named)
