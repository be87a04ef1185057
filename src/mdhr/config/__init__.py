"""Hydra entry point, validation of settings, error messages and signals."""
