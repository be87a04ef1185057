"""Compare our networks with golden outputs of the released code.

usage: mdhr parity

Examples:
  mdhr parity
  MDHR_PARITY=../shared/parity mdhr parity

Prints one line per network and one for a training step. MDHR_PARITY names another folder of golden outputs.

Exit status: 0 if all agree, 1 if one differs, 2 if the folder is incomplete.
"""

from collections.abc import Sequence

from mdhr.config.option_parser import OptionParser

SHOWS_DOCSTRING = True


def main(arguments: Sequence[str]) -> int:
    """Compare all networks and return the exit status."""
    OptionParser(prog="mdhr parity").parse_args(arguments)
    from mdhr.network.parity.comparison import compare_all

    return compare_all()
