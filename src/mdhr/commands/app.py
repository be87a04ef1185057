"""Serve the local web page."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mdhr.config.option_parser import OptionParser, option_type

SHOWS_DOCSTRING = False

Port = Annotated[int, Field(ge=0, le=65535)]

EXAMPLES = """examples:
  mdhr app --open
  mdhr app --models exported/ runs/ --port 7900

The page is served on 127.0.0.1 only, and its temporary files are deleted at the end."""


def main(arguments: Sequence[str]) -> int:
    """Serve the page until Ctrl-C; return the exit status."""
    options = build_parser().parse_args(arguments)
    import threading

    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import stop_on_signals
    from mdhr.inference.app.server import DEFAULT_FOLDERS, serve

    with (
        one_line_errors(),
        stop_on_signals(),
        serve(options.models or DEFAULT_FOLDERS, port=options.port, open_browser=options.open) as address,
    ):
        print(f"{address}  (press Ctrl-C to stop)", flush=True)
        threading.Event().wait()
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr app``."""
    parser = OptionParser(
        prog="mdhr app",
        description="Serve a local web page that scores the action units in a video.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="runs, exported models, or folders of them (default: the shipped model, and runs)",
    )
    add("--port", type=option_type(Port), metavar="N", help="port (default 7860, or the next free one)")
    add("--open", action="store_true", help="open the page in the browser")
    return parser
