"""Train and test every fold of an experiment, then write one table.

usage: mdhr cross-validate experiment=NAME [folds=[2,3]] [setting=value ...]

Examples:
  mdhr cross-validate experiment=demo
  mdhr cross-validate experiment=bp4d_resnet50 data.protocol=paper folds=[2]

Each fold is a run in run_dir/fold<k>. Complete folds are not repeated and incomplete folds resume, so folds may run
on different machines. run_dir contains table.csv and table.md.

Settings are Hydra overrides of conf/cross_validate.yaml. `mdhr cross-validate --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> float:
    """Run all folds and return the mean F1 in percent."""
    from mdhr.reporting.cross_validation_table import cross_validate
    from mdhr.reporting.tables.fold_table import MEAN

    return float(cross_validate(cfg).loc[MEAN, "mean"])


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("cross-validate", run, arguments)
