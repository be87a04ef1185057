"""Argument parser of the commands that Hydra does not configure."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn


class OptionParser(argparse.ArgumentParser):
    """Parser that reports a wrong option as one line without the usage text, with exit status 2.

    The help text starts with ``description`` and ends with ``epilog`` in its given lines.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        """Print the message and exit."""
        self.exit(2, f"{message}; `{self.prog} --help` lists the arguments\n")


def option_type(hint: Any) -> Callable[[str], Any]:
    """Return a converter for ``type=`` of an option to an annotated type such as those of :mod:`mdhr.config.ranges`."""

    def convert(text: str) -> Any:
        from pydantic import TypeAdapter, ValidationError

        from mdhr.config.argument_check import problem_message

        try:
            return TypeAdapter(hint).validate_strings(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(f"{text} {problem_message(error.errors()[0])}") from error

    return convert
