"""Store the frames of a data set as pixels, so that training decodes no images.

usage: mdhr store-frames data=NAME data.module.frames=FOLDER

Examples:
  mdhr store-frames data=synthetic data.module.frames=data/synthetic-pixels
  mdhr store-frames data=bp4d data.module.frames=/fast-disk/bp4d-pixels

To use them, pass the same data.module.frames to mdhr train. Up-to-date frames are kept. Settings: conf/store_frames.yaml.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """Store the frames unless they are up to date."""
    from mdhr.config.command_schema import FrameStorageSettings
    from mdhr.config.validation import validate
    from mdhr.training.caching import store_frames

    validate(cfg, FrameStorageSettings)
    store_frames(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("store-frames", run, arguments)
