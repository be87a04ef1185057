"""Pretrain the small backbone on rendered frames.

usage: mdhr pretrain [setting=value ...]

Examples:
  mdhr pretrain
  mdhr pretrain trainer.max_epochs=2 weights=backbone.safetensors

Renders a bank of independent frames, trains the backbone to regress action unit intensities, head pose and landmarks,
and writes its weights. Takes about half an hour on 2 CPU cores. An interrupted command resumes.

Settings are Hydra overrides of conf/pretrain.yaml. `mdhr pretrain --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """Pretrain the backbone and write its weights."""
    from mdhr.config.command_schema import PretrainingSettings
    from mdhr.config.validation import validate
    from mdhr.training.pretraining.pretraining_run import pretrain

    validate(cfg, PretrainingSettings)
    pretrain(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("pretrain", run, arguments)
