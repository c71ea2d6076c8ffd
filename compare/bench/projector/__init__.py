"""How long it takes to log vectors, and TensorBoard to serve them."""
