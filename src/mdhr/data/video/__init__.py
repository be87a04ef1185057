"""Video input and output: decoding, encoding, image folders, webcam, and resolution of command-line paths."""
