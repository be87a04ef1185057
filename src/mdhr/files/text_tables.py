"""Tables as Markdown pages and LaTeX floats, and the formatting of their cells."""

from collections.abc import Sequence

import pandas as pd

_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
}
"""Characters with a meaning in LaTeX and what prints them."""


def markdown_page(*parts: pd.DataFrame | str, title: str, notes: Sequence[str]) -> str:
    """Return a Markdown page: the title, tables and paragraphs in order, then the notes as a list.

    The cells of tables are text. The index is not included.
    """
    blocks = [part if isinstance(part, str) else _markdown_table(part) for part in parts]
    return "\n\n".join([f"# {title}", *blocks, "\n".join(f"- {note}" for note in notes)]) + "\n"


def latex_tables(*tables: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """Return LaTeX floats for the package ``booktabs``, preceded by the notes as comments. Cells are escaped."""
    comments = [f"% {' '.join(line.split())}" for line in (title, *notes)] + ["% requires \\usepackage{booktabs}"]
    floats = [
        table.to_latex(index=False, escape=True, column_format="l" + "r" * (table.shape[1] - 1), caption=_escape(title))
        for table in tables
    ]
    return "\n".join(comments) + "\n" + "\n".join(floats).replace("±", r"$\pm$")


def percent(value: float, spread: float | None = None) -> str:
    """Return a fraction in percent with one decimal, such as ``66.9`` or ``66.9 ± 0.3``; ``-`` for NaN."""
    if pd.isna(value):
        return "-"
    return f"{100 * value:.1f}" + ("" if spread is None or pd.isna(spread) else f" ± {100 * spread:.1f}")


def p_value(p: float) -> str:
    """Return a p value with three significant digits; ``-`` for NaN."""
    return "-" if pd.isna(p) else f"{p:.3g}"


def _markdown_table(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---", *["---:"] * (table.shape[1] - 1)], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _escape(text: str) -> str:
    """Escape a caption; pandas escapes cells only."""
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
