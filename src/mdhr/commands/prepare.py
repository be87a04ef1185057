"""Prepare a data set: detect faces, crop them and write the manifest; or render the synthetic faces.

usage: mdhr prepare data=NAME [data.root=FOLDER] [--dry-run] [setting=value ...]

Examples:
  mdhr prepare data=synthetic
  mdhr prepare data=bp4d data.root=/data/BP4D --dry-run
  mdhr prepare data=coded_videos data.root=videos data.labels=codes

An interrupted command resumes; finished videos are kept. --dry-run prints the plan and what is missing.

Exit status: 0 if prepared, 1 if errors of the release prevent it, which a table lists, 2 for invalid settings.

Settings are Hydra overrides of conf/prepare.yaml. `mdhr prepare --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> int:
    """Prepare the data set, or print the plan; exit with status 1 if errors of the release prevent it."""
    from mdhr.config.command_schema import PreparationSettings
    from mdhr.config.validation import validate
    from mdhr.data.prepare_data import prepare_or_list_problems

    validate(cfg, PreparationSettings)
    return prepare_or_list_problems(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    arguments = ["dry_run=true" if argument == "--dry-run" else argument for argument in arguments]
    return run_hydra_command("prepare", run, arguments)
