"""Print a shell completion script."""

import argparse
from collections.abc import Sequence

from mdhr.commands import COMMANDS
from mdhr.config.option_parser import OptionParser

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  eval "$(mdhr completion bash)"
  mdhr completion zsh > ~/.zfunc/_mdhr"""


def main(arguments: Sequence[str]) -> int:
    """Print the script and return the exit status."""
    shell = build_parser().parse_args(arguments).shell
    import shtab

    print(shtab.complete(_all_commands(), shell=shell))
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr completion``."""
    parser = OptionParser(
        prog="mdhr completion",
        description="Print a script that completes command names, options and files.",
        epilog=EXAMPLES,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return parser


def _all_commands() -> argparse.ArgumentParser:
    """Return one parser with every command; Hydra commands take overrides, which complete as file names."""
    import shtab

    from mdhr.commands import app, au_sets, blendshape_agreement, convert, export, predict

    modules = (app, au_sets, blendshape_agreement, convert, export, predict)
    known = {module.build_parser().prog.split()[1]: module.build_parser() for module in modules}
    parser = argparse.ArgumentParser(prog="mdhr")
    commands = parser.add_subparsers()
    for name, summary in COMMANDS.items():
        if name in known:
            commands.add_parser(name, help=summary, parents=[known[name]], add_help=False)
        else:
            commands.add_parser(name, help=summary).add_argument("overrides", nargs="*").complete = shtab.FILE  # type: ignore[attr-defined]
    return parser
