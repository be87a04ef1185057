"""One self-contained HTML page with every run and table."""
