"""Figures with a title and a note in the upper left corner, and their PNG files."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from mdhr.files.atomic import write_bytes
from mdhr.inference.timeline import INK

MARGIN = 0.2
"""Distance of the text from the left edge in inches."""
TITLE_TOP, NOTE_TOP = 0.14, 0.5
"""Distance of title and note from the upper edge in inches."""


def titled_figure(width: float, height: float, *, title: str, note: str = "") -> Figure:
    """Return an empty figure of ``width`` x ``height`` inches at 100 dpi with a title and a note of one or more lines."""
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    left = MARGIN / width
    figure.text(left, 1 - TITLE_TOP / height, title, fontsize=15, fontweight="bold", va="top", color=INK)
    if note:
        figure.text(left, 1 - NOTE_TOP / height, note, fontsize=10.5, va="top", color=INK, linespacing=1.3)
    return figure


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG atomically; raises ``InputError`` if that fails."""
    image = BytesIO()
    figure.savefig(image, format="png")
    write_bytes(path, image.getvalue())
