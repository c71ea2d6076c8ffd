"""Claims about optimizers: one step of a rule, whole trajectories, and the lazy optimizers of tf_emb."""
