"""Prepare a data set: ``mdhr prepare data=bp4d data.root=...``, see ``conf/prepare.yaml``.

Goes on where it was stopped and keeps what is there. With ``--dry-run`` it only says what it would do.
"""

from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.config.signals import stop_on_signals
from mdhr.data.prepared.manifest import DESCRIPTION
from mdhr.errors import InputError


def prepare(cfg: DictConfig) -> None:
    """Run what ``cfg.data.prepare`` describes, or with ``cfg.dry_run`` print its ``plan``.

    With ``cfg.if_missing`` a set that is prepared is left alone.
    """
    if "prepare" not in cfg.data:
        raise InputError(f"data={cfg.data.name} says not how it is prepared (it has no node data.prepare)")
    if cfg.get("if_missing") and (Path(cfg.data.prepared) / DESCRIPTION).is_file():
        return
    with stop_on_signals():
        preparation = instantiate(cfg.data.prepare)
        if cfg.get("dry_run"):
            print(preparation.plan())
            return
        preparation.run()
    print(f"{cfg.data.name} is in {cfg.data.prepared}")
