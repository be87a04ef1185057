"""Render the contact sheets of docs/pictures: identities, action units, one clip.

usage: mdhr render-sheets [--out FOLDER] [--size PIXELS]

Examples:
  mdhr render-sheets
  mdhr render-sheets --out /tmp/sheets --size 128
"""

from collections.abc import Sequence

SHOWS_DOCSTRING = True


def main(arguments: Sequence[str]) -> int:
    """Render the sheets and return the exit status."""
    from mdhr.synthetic.contact_sheets import main as render

    render(arguments)
    return 0
