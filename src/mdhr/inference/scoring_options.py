"""Options of the commands that score videos. Imports no heavy package, so that ``--help`` answers at once."""

import argparse

from mdhr.config.option_parser import option_type
from mdhr.config.ranges import BatchSize, FrameNumber, FrameRate


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the model, the output folder, the clips and the device."""
    add = parser.add_argument
    add(
        "--checkpoint",
        metavar="MODEL",
        help="run folder such as runs/demo, a checkpoint in it, or an exported model (default: the shipped model)",
    )
    add("--out", required=True, metavar="DIR", help="folder for the results")
    add(
        "--overlap",
        type=option_type(FrameNumber),
        metavar="N",
        help="frames shared by neighboring clips, averaged (default: half a clip)",
    )
    add("--batch-size", type=option_type(BatchSize), default=8, metavar="N", help="clips per forward pass (default 8)")
    add(
        "--fps",
        type=option_type(FrameRate),
        metavar="F",
        help="frames per second to score (default: all); for images, their rate",
    )
    add("--device", default="auto", help="auto, cpu, or another PyTorch device")
