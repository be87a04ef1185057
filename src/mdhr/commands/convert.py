"""Convert a released checkpoint."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdhr.config.option_parser import OptionParser

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  mdhr convert resnet50_bp4d_fold1.pth --out models/bp4d
  mdhr convert MEFARG_swin_base_DISFA.pth --out models/disfa --network me_graphau

The network, AU set and backbone are read from the tensors.
The options --network, --au-set and --backbone only verify them."""


def main(arguments: Sequence[str]) -> int:
    """Convert the checkpoint and return the exit status."""
    options = build_parser().parse_args(arguments)
    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import stop_on_signals

    with one_line_errors(), stop_on_signals():
        from mdhr.inference.conversion import convert
        from mdhr.inference.export import print_differences

        expected = {"network": options.network, "au_set": options.au_set, "backbone": options.backbone}
        print_differences(convert(options.checkpoint, options.out, **expected), options.out)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr convert``."""
    parser = OptionParser(
        prog="mdhr convert",
        description="Convert a checkpoint of the released MDHR or ME-GraphAU code to an exported folder.",
        epilog=EXAMPLES,
    )
    parser.add_argument("checkpoint", type=Path, help="checkpoint file of the released MDHR or ME-GraphAU code")
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    parser.add_argument("--network", choices=("mdhr", "me_graphau"), help="expected network")
    parser.add_argument("--au-set", choices=("BP4D", "DISFA"), help="expected action unit set")
    parser.add_argument("--backbone", choices=("resnet50", "swin_base"), help="expected backbone")
    return parser
