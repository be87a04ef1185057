"""Lightning callbacks of training and evaluation."""
