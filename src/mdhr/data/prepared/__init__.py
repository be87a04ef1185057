"""Prepared form of data sets: manifest, checks, drop lists, and caches of frames and feature maps."""
