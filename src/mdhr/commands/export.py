"""Export a trained model."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdhr.config.option_parser import OptionParser

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  mdhr export runs/demo --out exported/demo
  mdhr export runs/demo --out exported/demo --formats safetensors,onnx

The exported folder needs neither the run nor its data. Each file is read back and compared with the network."""


def main(arguments: Sequence[str]) -> int:
    """Export the model and return the exit status."""
    options = build_parser().parse_args(arguments)
    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import stop_on_signals

    with one_line_errors(), stop_on_signals():
        from mdhr.inference.export import export, print_differences

        formats = list(dict.fromkeys(options.formats.split(",")))
        print_differences(export(options.model, options.out, formats=formats), options.out)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr export``."""
    parser = OptionParser(
        prog="mdhr export",
        description="Export a trained model and verify every file that is written.",
        epilog=EXAMPLES,
    )
    parser.add_argument("model", type=Path, help="run folder, a checkpoint in it, or an exported folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    parser.add_argument(
        "--formats",
        default="safetensors",
        help="comma-separated: safetensors, onnx, torch-export (default safetensors)",
    )
    return parser
