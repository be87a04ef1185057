"""List the action unit sets of conf/data/au_set, or plot the regions of one."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdhr.config.option_parser import OptionParser

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  mdhr au-sets
  mdhr au-sets gft --figure gft.png

A set is chosen with data/au_set=NAME; docs/data.md describes new sets.
Exit status: 2 for invalid input."""


def main(arguments: Sequence[str]) -> int:
    """Print the sets, write the figure and return the exit status."""
    from mdhr.config.error_messages import one_line_errors

    with one_line_errors():
        options = build_parser().parse_args(arguments)
        from mdhr.reporting.au_set_report import au_set_table, configured_set, configured_sets, write_au_set_figure

        sets = configured_sets()
        print(au_set_table(sets if options.name is None else {options.name: configured_set(options.name)}))
        if options.figure is not None:
            write_au_set_figure(configured_set(options.name or "bp4d"), options.figure)
            print(f"the figure is in {options.figure}")
        return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr au-sets``."""
    parser = OptionParser(
        prog="mdhr au-sets",
        description="List the action unit sets with their region groups, and plot the regions of one on a face.",
        epilog=EXAMPLES,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="one set (default: all; figure: bp4d)")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="write a figure of the regions, such as regions.png"
    )
    return parser
