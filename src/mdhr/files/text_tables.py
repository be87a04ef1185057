"""Tables of text as Markdown and as LaTeX, with a title above and what has to be said below."""

from collections.abc import Sequence

import pandas as pd


def markdown_page(*parts: pd.DataFrame | str, title: str, notes: Sequence[str]) -> str:
    """A page of its own: the title, then tables and paragraphs in the order given, then the notes as a list.

    A table's cells are text already; all of its columns are shown, the index is not.
    """
    shown = [part if isinstance(part, str) else _markdown(part) for part in parts]
    return "\n\n".join([f"# {title}", *shown, "\n".join(f"- {note}" for note in notes)]) + "\n"


def latex_tables(*tables: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """Floats that need the package ``booktabs``, the notes as comments above them; cells are escaped."""
    above = [f"% {title}", *(f"% {note}" for note in notes), "% needs \\usepackage{booktabs}"]
    floats = [
        table.to_latex(index=False, escape=True, column_format="l" + "r" * (table.shape[1] - 1), caption=_tex(title))
        for table in tables
    ]
    return "\n".join(above) + "\n" + "\n".join(floats).replace("±", r"$\pm$")


def percent(value: float, spread: float | None = None) -> str:
    """A share in percent with one decimal, with its spread; ``-`` for NaN."""
    if pd.isna(value):
        return "-"
    return f"{100 * value:.1f}" + ("" if spread is None or pd.isna(spread) else f" ± {100 * spread:.1f}")


def p_value(p: float) -> str:
    """Three digits; ``-`` for NaN."""
    if pd.isna(p):
        return "-"
    return f"{p:.3g}"


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---", *["---:"] * (table.shape[1] - 1)], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _tex(text: str) -> str:
    """Captions are not escaped by pandas."""
    for character in "&%$#_":
        text = text.replace(character, f"\\{character}")
    return text
