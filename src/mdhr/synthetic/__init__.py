"""Rendered faces with known action units: head model, skin, renderer, label tracks, and data set generator."""
