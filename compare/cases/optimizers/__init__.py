"""Claims about optimizers: one step of a rule, whole trajectories, and the lazy optimizers of tf_emb."""

KERAS = ("keras-tensorflow", "keras-jax", "keras-torch")  # whose optimizers run eagerly
