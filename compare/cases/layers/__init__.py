"""Claims about `tf_emb.layers` and the functions that layers are made of."""
