"""Figures, plotted with Matplotlib."""
