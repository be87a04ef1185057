"""Transformations of a network that change speed or memory and keep its outputs."""
