"""Composition of the files in ``conf/`` outside of a Hydra program."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

CONF = Path(__file__).resolve().parents[3] / "conf"


def compose_config(name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """Return ``conf/<name>.yaml`` with overrides such as ``network=mdhr``. It also works inside a Hydra program."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, list(overrides))
