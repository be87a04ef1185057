"""Scores of whole videos: tracks, clips, tables, files, and the engines that make them."""
