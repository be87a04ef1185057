"""Tables of the paper, as csv, Markdown and LaTeX."""
