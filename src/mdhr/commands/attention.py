"""Plot the scale weights of MFD and the graph of HSR for one test clip of a run.

usage: mdhr attention run=RUN [out=FILE]

Examples:
  mdhr attention run=runs/demo
  mdhr attention run=runs/demo out=attention.png

The clip is the test clip with the most label changes. Settings: conf/attention.yaml.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """Write the figure."""
    from mdhr.config.command_schema import AttentionSettings
    from mdhr.config.validation import validate
    from mdhr.reporting.attention_report import write_attention_figure

    validate(cfg, AttentionSettings)
    write_attention_figure(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("attention", run, arguments)
