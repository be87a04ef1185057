"""Plot the label distribution of a data set: Figures 1 and 2 of the paper.

usage: mdhr label-figures [data=NAME] [out=FOLDER]

Examples:
  mdhr label-figures data=synthetic
  mdhr label-figures data=bp4d out=experiments/figure-1/bp4d

Prints a table and writes label_distribution, co_occurrence and run_lengths to `out`, each as png and csv. The data set
is prepared first if necessary. Settings: conf/label_figures.yaml.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """Write the figures and their numbers."""
    from mdhr.config.command_schema import LabelFigureSettings
    from mdhr.config.validation import validate
    from mdhr.reporting.label_report import write_label_report

    validate(cfg, LabelFigureSettings)
    write_label_report(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("label-figures", run, arguments)
