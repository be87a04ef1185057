"""Trained models that load without their training: description, formats, card."""
