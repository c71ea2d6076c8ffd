"""Training steps of layers and optimizers, beside Keras and PyTorch."""
