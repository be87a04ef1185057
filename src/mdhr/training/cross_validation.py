"""Cross-validation: one training run per fold.

The run of fold ``k`` is in ``<run_dir>/fold<k>``. Complete runs are not repeated and incomplete runs resume, so folds
may also run on different machines (``folds=[2]``).
"""

import sys
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mdhr.config.signals import Interrupted, stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.data_settings import data_folds
from mdhr.errors import DivergedError, InputError, listed
from mdhr.training.run_folder import run_state
from mdhr.training.training_run import train

_ANNOUNCEMENTS = {"new": "starts", "incomplete": "resumes"}


def check_settings(cfg: DictConfig) -> None:
    """Raise ``InputError`` for wrong settings."""
    if cfg.data.fold is not None:
        raise InputError(f"data.fold={cfg.data.fold}: cross-validation sets the fold. Set folds=[{cfg.data.fold}].")
    if cfg.ckpt_path != "auto":
        raise InputError(f"ckpt_path={cfg.ckpt_path}: incomplete folds resume automatically. Omit ckpt_path.")
    validate(OmegaConf.merge(cfg, {"data": {"fold": 1}}))  # type: ignore[arg-type]


def fold_settings(cfg: DictConfig) -> dict[int, DictConfig]:
    """Return the configuration of the run of every fold in ``cfg.folds``, or of every fold of the data set.

    Raises ``InputError`` if the data set does not exist or does not have a fold.
    """
    existing = data_folds(OmegaConf.merge(cfg, {"data": {"fold": 1}}).data)
    folds = existing if cfg.folds is None else tuple(cfg.folds)
    if absent := sorted(set(folds) - set(existing)):
        raise InputError(
            f"folds={list(folds)}: {cfg.data.name} has no fold {absent[0]}, only {listed(existing, limit=10)}."
        )
    return {
        fold: OmegaConf.merge(  # type: ignore[misc]
            cfg, {"name": f"{cfg.name}-fold{fold}", "run_dir": f"{cfg.run_dir}/fold{fold}", "data": {"fold": fold}}
        )
        for fold in folds
    }


def train_folds(folds: Mapping[int, DictConfig]) -> dict[int, dict[str, Any] | None]:
    """Train and test every fold and return the records by fold, sorted; None for a fold whose training diverged.

    Raises ``InputError`` if a fold was started with other settings, before any fold is trained.
    """
    states = {fold: run_state(cfg) for fold, cfg in folds.items()}
    records: dict[int, dict[str, Any] | None] = {}
    overwrite = any(cfg.overwrite for cfg in folds.values())
    try:
        with stop_on_signals():
            for fold, cfg in folds.items():
                if states[fold] in _ANNOUNCEMENTS:
                    print(f"fold {fold} {_ANNOUNCEMENTS[states[fold]]}", flush=True)
                records[fold] = _train_or_none(cfg)
    except Interrupted as stop:
        without = " without overwrite=true" if overwrite else ""
        stop.message = f"{Interrupted(stop.signum).message}; the same command{without} resumes"
        raise
    return dict(sorted(records.items()))


def _train_or_none(cfg: DictConfig) -> dict[str, Any] | None:
    """Return the record of a run; if training diverges, print why and return None, so that the other folds run."""
    try:
        return train(cfg)
    except DivergedError as error:
        print(f"{cfg.run_dir}: {error}", file=sys.stderr, flush=True)
        return None
