"""Store the feature maps of a frozen backbone, so that training does not run it again.

usage: mdhr store-features experiment=NAME data.module.features=FOLDER

Examples:
  mdhr store-features experiment=synthetic_small_resnet
  mdhr store-features experiment=demo data.module.features=data/features data.module.jitter=[1,1]

Up-to-date feature maps are kept. Nothing is done if data.module.features is null. Settings: conf/store_features.yaml.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """Store the feature maps unless they are up to date."""
    from mdhr.training.caching import store_features

    store_features(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("store-features", run, arguments)
