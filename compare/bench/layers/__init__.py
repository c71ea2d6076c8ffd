"""One training step of layers and optimizers, beside Keras and PyTorch."""
