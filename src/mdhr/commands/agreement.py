"""Measure the agreement of two coders, or of a coder and a model."""

import argparse
from collections.abc import Sequence

from mdhr.config.option_parser import OptionParser, option_type
from mdhr.config.ranges import FrameNumber, FrameRate, NonNegativeFloat, PositiveFloat, Seed, Share

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  mdhr agreement anna/ ben/ --fps 25 --out agreement       two coders: files with equal names are pairs
  mdhr agreement codes/ scores/ --out agreement            a coder and `mdhr predict`
  mdhr agreement runs/mine --fps 25                        the labels and the predictions of a run

A is the reference. Files: frame tables (csv, tsv, xlsx, parquet), ELAN, BORIS, Noldus Observer, Praat, OpenFace, and
score tables of `mdhr predict`. Writes agreement.csv, agreement.md and agreement.png.
Exit status: 0 success, 2 for invalid input, 130 for Ctrl-C."""


def main(arguments: Sequence[str]) -> int:
    """Print and write the agreement and return the exit status."""
    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import stop_on_signals

    with one_line_errors(), stop_on_signals():
        options = build_parser().parse_args(arguments)
        from mdhr.reporting.agreement_report import report_agreement

        report_agreement(options)
        return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr agreement``."""
    parser = OptionParser(
        prog="mdhr agreement",
        description="Measure the agreement of two codings of the same videos per action unit.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("a", metavar="A", help="code file, folder of code files, output folder of mdhr predict, or run folder")
    add("b", metavar="B", nargs="?", help="the same; left out for a run folder, whose labels are then A")
    add("--out", metavar="DIR", help="folder for the results (default: print only)")
    add(
        "--fps",
        type=option_type(FrameRate),
        metavar="F",
        help="frame rate of the videos (default: from the score tables of mdhr predict)",
    )
    add(
        "--tolerance",
        type=option_type(NonNegativeFloat),
        default=0.5,
        metavar="S",
        help="seconds by which events are widened for a match (default 0.5)",
    )
    add("--threshold", type=option_type(Share), metavar="T", help="smallest active score of a run (default: the run's)")
    add(
        "--intensity-threshold",
        type=option_type(PositiveFloat),
        metavar="I",
        help="tables contain intensities 0 to 5 or A to E, active from I on; reports ICC(3,1)",
    )
    add("--mapping", metavar="FILE", help="YAML file with the action units of tiers, behaviors and columns")
    add(
        "--first-frame",
        type=option_type(FrameNumber),
        default=0,
        metavar="N",
        help="number of the first frame in frame tables (default 0)",
    )
    add("--subject", metavar="REGEX", help="finds the subject in a file's path (default: the folder of the file)")
    add("--seed", type=option_type(Seed), default=0, help="seed of the bootstrap (default 0)")
    return parser
