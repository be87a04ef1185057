"""Train a network, choose the best epoch on the validation split, and test it once.

usage: mdhr train [-m] [experiment=NAME] [data=NAME] [network=NAME] [setting=value ...]

Examples:
  mdhr train experiment=demo trainer.max_epochs=3
  mdhr train -m experiment=[synthetic_small_resnet,table_3] seed=1,2

The run folder (run_dir, by default runs/<name>) contains settings.yaml, metrics.json, predictions.parquet, model.yaml,
model_card.md, checkpoints/best.ckpt and checkpoints/last.ckpt.

  ckpt_path=last    resume this run from its last complete epoch, with the settings it was started with
  ckpt_path=auto    finish what is missing: nothing, the rest, or everything
  ckpt_path=FILE    start a run that continues the training of another run from this checkpoint
  overwrite=true    replace the run in run_dir
  -m                run every combination of comma-separated values, one job each

Settings are Hydra overrides of conf/train.yaml; conf/experiment/ contains complete recipes.
`mdhr train --cfg job` prints all settings.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> float:
    """Train and return the validation F1 of the selected epoch, the value a sweeper optimizes."""
    from mdhr.training.training_run import train

    return train(cfg)["validation_f1_mean"]


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("train", run, arguments)
