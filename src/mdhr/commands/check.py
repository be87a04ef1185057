"""List every problem of a data set: the release, its prepared form and released lists.

usage: mdhr check data=NAME [data.root=FOLDER] [setting=value ...]

Examples:
  mdhr check data=synthetic
  mdhr check data=bp4d data.root=/data/BP4D deep=true out=problems.csv

Exit status: 0 without errors, 1 with errors, 2 if there is nothing to check.

Settings are Hydra overrides of conf/check.yaml. `mdhr check --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> int | None:
    """Print the table of problems and its summary; exit with status 1 if there are errors."""
    from mdhr.config.command_schema import CheckSettings
    from mdhr.config.validation import validate
    from mdhr.data.data_check import print_problems

    validate(cfg, CheckSettings)
    return print_problems(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("check", run, arguments)
