"""Composition of the files in ``conf/`` outside of a command and inside of one."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

CONF = Path(__file__).resolve().parents[3] / "conf"


def compose_config(name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """Return ``conf/<name>.yaml`` with overrides such as ``network=mdhr``."""
    in_command = GlobalHydra.instance().is_initialized()
    with nullcontext() if in_command else initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, list(overrides))
