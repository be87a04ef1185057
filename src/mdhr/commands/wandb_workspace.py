"""Create the Weights & Biases workspace that shows the runs of a project.

usage: mdhr wandb-workspace [entity=NAME] [save=true]

Examples:
  mdhr wandb-workspace
  mdhr wandb-workspace entity=me save=true

Without save=true the command lists the panels and does not use the network. It requires the extra `workspaces`.
Settings: conf/wandb_workspace.yaml.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """List the panels of the workspace and save it on request."""
    from mdhr.config.command_schema import WorkspaceSettings
    from mdhr.config.validation import validate
    from mdhr.reporting.wandb_results.workspace import create_workspace

    validate(cfg, WorkspaceSettings)
    create_workspace(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("wandb-workspace", run, arguments)
