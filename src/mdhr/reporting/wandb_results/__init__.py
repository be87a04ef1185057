"""Results of a test in Weights & Biases."""
