"""Score the action units in videos."""

import argparse
from collections.abc import Sequence
from typing import get_args

from mdhr.config.option_parser import OptionParser, option_type
from mdhr.config.ranges import FrameSize, OpenShare, PositiveFloat, Precision
from mdhr.inference.scoring_options import add_scoring_options

SHOWS_DOCSTRING = False

DEFAULT_FORMATS = ("csv", "parquet")
FORMATS = (*DEFAULT_FORMATS, "eaf", "boris", "textgrid", "intervals")
DETECTORS = ("yunet", "mediapipe")
ENGINES = ("plain", "ray")

EXAMPLES = """examples:
  mdhr predict my.mp4 --out scores
  mdhr predict my.mp4 --out scores --formats eaf,csv
  mdhr predict recordings/ --checkpoint exported/model --out scores --annotate --threshold AU12=0.4,AU4=0.3

Completed videos are skipped, and an interrupted command resumes.
Exit status: 1 if a video could not be scored (the others are scored), 2 for invalid input, 130 for Ctrl-C."""


def main(arguments: Sequence[str]) -> int:
    """Score all videos and return the exit status."""
    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import resumable

    with one_line_errors(), resumable():
        options = build_parser().parse_args(arguments)
        from mdhr.inference.batch_prediction import predict

        return min(predict(options), 1)


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr predict``."""
    parser = OptionParser(
        prog="mdhr predict",
        description="Score the action units of every face in videos, frame by frame.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("videos", nargs="*", metavar="VIDEO", help="video or image file, folder of videos or images, or camera number")
    add("--list", metavar="FILE", help="text file with further videos, one path per line")
    add_scoring_options(parser)
    add("--annotate", action="store_true", help="also write the video with boxes and scores")
    add("--threshold", action="append", default=[], metavar="T", help="0.5, or AU12=0.4,AU4=0.3 (default: the model's)")
    add(
        "--seconds",
        type=option_type(PositiveFloat),
        default=10.0,
        metavar="N",
        help="length of a camera recording (default 10)",
    )
    add(
        "--formats",
        type=_formats,
        default=DEFAULT_FORMATS,
        help="comma-separated: csv, parquet (score table); eaf (ELAN), boris, textgrid, intervals (csv) for coders "
        "(default csv,parquet)",
    )
    add(
        "--engine",
        choices=ENGINES,
        default="plain",
        help="ray: many videos in parallel, also on a cluster (default plain)",
    )
    add("--overwrite", action="store_true", help="score completed videos again")
    add(
        "--precision",
        choices=get_args(Precision),
        default="auto",
        help="auto: bfloat16 where the device computes in it",
    )
    add("--compile", action="store_true", help="compile the network, for hours of video (docs/performance.md)")
    add("--detector", choices=DETECTORS, default="yunet", help="face detector (default yunet)")
    add(
        "--min-confidence",
        type=option_type(OpenShare),
        metavar="C",
        help="smallest confidence of a face, 0 to 1 (default 0.7)",
    )
    add(
        "--search-size",
        type=option_type(FrameSize),
        metavar="PIXELS",
        help="larger side of the image searched for faces (default 320)",
    )
    add("--debug", action="store_true", help="also print the traceback of a video that could not be scored")
    add(
        "--trusted",
        action="store_true",
        help="allow model.pt2, which may run any code; only for a file you created yourself",
    )
    return parser


def _formats(text: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(text.split(",")))
    if unknown := [each for each in chosen if each not in FORMATS]:
        raise argparse.ArgumentTypeError(f"unknown format {unknown[0]!r}: choose from {', '.join(FORMATS)}")
    return chosen
