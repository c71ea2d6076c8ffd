"""How long vectors take to be logged, and to be served by TensorBoard."""
