"""``mdhr <command>``, also as ``python -m mdhr <command>``."""

import errno
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from mdhr.commands import COMMANDS, GROUPS, module_name

_default_format = warnings.formatwarning


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; list all commands if none is given.

    If the reader of the output ends, as in ``mdhr train --help | head``, the status is 141 as for other programs. If the
    output is redirected to a file on a full disk, the status is 2.
    """
    warnings.formatwarning = _format_warning
    try:
        status = _run([*(sys.argv[1:] if arguments is None else arguments)] or ["--help"])
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC) or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        if error.errno == errno.EPIPE:
            return 128 + signal.SIGPIPE
        print(f"cannot write the standard output: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _run(arguments: list[str]) -> int:
    command, *rest = arguments
    if command in ("-h", "--help"):
        print(overview())
        return 0
    if command == "--version":
        from mdhr import __version__

        print(f"mdhr {__version__}")
        return 0
    if command not in COMMANDS:
        near = get_close_matches(command, COMMANDS, n=1)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`mdhr --help` lists the commands."
        print(f"mdhr: unknown command '{command}'. {hint}", file=sys.stderr)
        return 2
    module = import_module(module_name(command))
    if {"-h", "--help"} & set(rest) and module.SHOWS_DOCSTRING:
        print((module.__doc__ or "").rstrip())
        return 0
    return module.main(rest)


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Return one line for a warning of this package, and the place in the code as well for those of libraries."""
    if filename.startswith(os.path.dirname(__file__)):
        return f"warning: {message}\n"
    return _default_format(message, category, filename, lineno, line)


def overview() -> str:
    """Return the text of ``mdhr --help``: all commands in groups."""
    width = max(map(len, COMMANDS)) + 2
    lines = ["usage: mdhr <command> [--help] [arguments]", "", "Facial action units in video with MDHR."]
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:", *(f"  {name:{width}}{summary}" for name, summary in commands.items())]
    return "\n".join([*lines, "", "`mdhr <command> --help` explains a command and shows examples."])


if __name__ == "__main__":
    sys.exit(main())
