"""Test a finished run or one of its checkpoints again.

usage: mdhr evaluate run=RUN [setting=value ...]

Examples:
  mdhr evaluate run=runs/demo
  mdhr evaluate run=runs/demo module.threshold=0.4 out=runs/demo-threshold04
  mdhr evaluate run=runs/demo checkpoint=runs/demo/checkpoints/last.ckpt data.root=/data/faces trainer=gpu
  mdhr evaluate run=runs/bp4d test_data=disfa out=runs/bp4d-on-disfa

Network, data, fold and protocol are those of the run. Metrics and predictions are written to <run>/evaluation. Results
of other settings are not overwritten: pass out=FOLDER.

  checkpoint=FILE            checkpoint to test, by default <run>/checkpoints/best.ckpt
  test_data=NAME (or data=)  another data set: folder of its prepared form, or name in conf/data. All its subjects are
                             tested on the action units that run and data set have in common
  adapt_batch_norm=true      use the statistics of the test data in batch normalization, without labels
  test_suffix=-ict           test only subjects whose names end in it
  out=FOLDER                 folder for metrics.json and predictions.parquet
  data.root=FOLDER           prepared data set, if it was moved
  data.fold=K                test fold; only subjects that the run did not use in training are accepted
  allow_seen_subjects=true   accept all subjects

Settings are Hydra overrides of conf/evaluate.yaml. `mdhr evaluate --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> float:
    """Test and return the mean F1."""
    from mdhr.training.evaluation import evaluate

    return evaluate(cfg)["f1_mean"]


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    short = "data="  # conf/evaluate.yaml has settings of the node data, not a choice of one
    given = [f"test_data={a.removeprefix(short)}" if a.startswith(short) else a for a in arguments]
    return run_hydra_command("evaluate", run, given)
