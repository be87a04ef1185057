"""Pretraining of a small backbone on rendered frames with dense regression targets."""
