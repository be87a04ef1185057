"""Preparation of a data set, for ``mdhr prepare``."""

from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.config.signals import stop_on_signals
from mdhr.data.prepared.manifest import DESCRIPTION
from mdhr.errors import InputError


def prepare(cfg: DictConfig) -> None:
    """Run the preparation in ``cfg.data.prepare``, or print its plan if ``cfg.dry_run`` is set.

    If ``cfg.if_missing`` is set, a prepared data set is kept regardless of its settings.

    Raises ``InputError`` if the data set has no node ``prepare``, or from the preparation.
    """
    if "prepare" not in cfg.data:
        raise InputError(f"data={cfg.data.name} cannot be prepared: it has no node data.prepare.")
    if cfg.get("if_missing") and (Path(cfg.data.prepared) / DESCRIPTION).is_file():
        return
    with stop_on_signals():
        preparation = instantiate(cfg.data.prepare)
        if cfg.get("dry_run"):
            print(preparation.plan())
            return
        preparation.run()
    print(f"{cfg.data.name} is in {cfg.data.prepared}")
