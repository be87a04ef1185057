"""Preparation of a data set, for ``mdhr prepare``."""

from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.config.signals import stop_on_signals
from mdhr.data.data_check import print_checked
from mdhr.data.prepared.manifest import DESCRIPTION
from mdhr.data.problems import DataProblemsError
from mdhr.data.releases.preparation import Preparation
from mdhr.errors import InputError


def prepare(cfg: DictConfig) -> int:
    """Run the preparation in ``cfg.data.prepare``, or print its plan if ``cfg.dry_run`` is set.

    Returns 1 if the plan contains errors that prevent the preparation, else 0.

    If ``cfg.if_missing`` is set, a prepared data set is kept regardless of its settings.

    Raises ``InputError`` if the data set has no node ``prepare``, or from the preparation.
    """
    if "prepare" not in cfg.data:
        raise InputError(f"data={cfg.data.name} cannot be prepared: it has no node data.prepare.")
    if cfg.get("if_missing") and (Path(cfg.data.prepared) / DESCRIPTION).is_file():
        return 0
    with stop_on_signals():
        preparation = instantiate(cfg.data.prepare)
        if cfg.get("dry_run"):
            return _print_plan(preparation)
        preparation.run()
    print(f"{cfg.data.name} is in {cfg.data.prepared}")
    return 0


def prepare_or_list_problems(cfg: DictConfig) -> int:
    """Run :func:`prepare`. If errors of the release prevent it, print the table of its problems and return 1."""
    try:
        return prepare(cfg)
    except DataProblemsError as error:
        problems = sorted(error.problems, key=lambda problem: problem.level)
        print_checked({str(cfg.data.root): problems}, limit=None)
        print("Nothing was prepared. Fix the errors, or exclude the affected videos: data.prepare.incomplete=true")
        return 1


def _print_plan(preparation: Any) -> int:
    """Print the plan of a preparation; return 1 if errors prevent it."""
    if not isinstance(preparation, Preparation):
        print(preparation.plan())
        return 0
    plan, problems = preparation.inspect()
    print(plan)
    return int(not preparation.incomplete and any(problem.level == "error" for problem in problems))
