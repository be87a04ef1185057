"""Comparison with golden outputs of the released code."""
