"""Tables, figures and reports from finished runs."""
