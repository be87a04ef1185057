"""Render faces, train, test on unseen subjects, plot one test video and score a real one.

usage: mdhr demo [video=FILE] [setting=value ...]

Examples:
  mdhr demo
  mdhr demo video=my.mp4 trainer.max_epochs=3

Existing results are reused and an interrupted demo resumes. Results are in runs/demo.

Settings are Hydra overrides of conf/demo.yaml. `mdhr demo --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> float:
    """Run the demo and return the mean F1 of the test."""
    from mdhr.reporting.demo_run import run_demo

    return run_demo(cfg)["f1_mean"]


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("demo", run, [quote_video(argument) for argument in arguments])


def quote_video(argument: str) -> str:
    """Return an override of Hydra that sets ``video`` to any file name, for ``video=<name>`` without Hydra's quotes."""
    from hydra.core.override_parser.types import Quote, QuotedString

    key, _, name = argument.partition("=")
    is_quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "\"'"
    if key != "video" or is_quoted or name in ("", "null"):
        return argument
    text = name.replace("${", "\\${")  # not an interpolation
    return f"{key}={QuotedString(text=text, quote=Quote.single).with_quotes()}"
