"""Parallel prediction of videos with Ray Data."""
