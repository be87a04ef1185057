"""Loading of pretrained and released weights."""
