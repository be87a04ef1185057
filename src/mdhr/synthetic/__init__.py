"""Rendered faces that move by known action units: head model, skin, renderer, label tracks, data set."""
