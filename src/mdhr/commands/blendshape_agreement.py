"""Compare the scores of a model with MediaPipe's blendshapes."""

import argparse
from collections.abc import Sequence

from mdhr.config.option_parser import OptionParser
from mdhr.inference.scoring_options import add_scoring_options

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  mdhr blendshape-agreement my.mp4 --out agreement
  mdhr blendshape-agreement recordings/ --checkpoint exported/model --out agreement --overlap 8

Writes agreement.csv and agreement.md. The result is the agreement of two estimators, not accuracy: nothing is compared
with labels. Requires the extra mediapipe: pip install -e '.[mediapipe]'
Exit status: 1 if a video failed (the others are compared), 2 for invalid input, 130 for Ctrl-C."""


def main(arguments: Sequence[str]) -> int:
    """Compare all videos and return the exit status."""
    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import stop_on_signals

    with one_line_errors(), stop_on_signals():
        options = build_parser().parse_args(arguments)
        from mdhr.reporting.blendshape_report import report_agreement

        return min(report_agreement(options), 1)


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr blendshape-agreement``."""
    parser = OptionParser(
        prog="mdhr blendshape-agreement",
        description="Measure how well the scores of a model rank the frames of videos as MediaPipe's blendshapes do.",
        epilog=EXAMPLES,
    )
    parser.add_argument("videos", nargs="+", metavar="VIDEO", help="video or image file, or folder of videos or images")
    add_scoring_options(parser)
    return parser
