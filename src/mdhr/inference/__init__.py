"""Trained models, prediction of videos, export and the local web page."""
