"""Claims about `tf_emb.methods` and `tf_emb.evaluate`."""
