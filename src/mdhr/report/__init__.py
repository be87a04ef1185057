"""Tables and pictures from what runs left behind: reads numbers, imports no model code."""
