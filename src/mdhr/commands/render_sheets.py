"""Render the contact sheets of docs/pictures."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdhr.config.option_parser import OptionParser, option_type
from mdhr.config.ranges import FrameSize

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  mdhr render-sheets
  mdhr render-sheets --out sheets --size 128
  mdhr render-sheets --head ict --out docs/pictures/ict

Writes identities.jpg, action_units.jpg, poses.jpg, clip.jpg and general.jpg."""


def main(arguments: Sequence[str]) -> int:
    """Render the sheets and return the exit status."""
    options = build_parser().parse_args(arguments)
    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import stop_on_signals

    with one_line_errors(), stop_on_signals():
        from mdhr.synthetic.contact_sheets import write_contact_sheets
        from mdhr.synthetic.heads import cached_head

        for path in write_contact_sheets(options.out, head=cached_head(options.head), size=options.size):
            print(path)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr render-sheets``."""
    parser = OptionParser(
        prog="mdhr render-sheets",
        description="Render contact sheets of identities, action units and a simulated clip.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs/pictures"), help="folder to write (default docs/pictures)"
    )
    parser.add_argument("--head", default="anny", help="head model: anny (default) or ict")
    parser.add_argument(
        "--size", type=option_type(FrameSize), default=200, help="height and width of a frame in pixels (default 200)"
    )
    return parser
