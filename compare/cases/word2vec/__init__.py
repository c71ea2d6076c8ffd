"""Claims about `tf_emb.word2vec`: losses, blocks, whole trainings, and gensim replayed draw for draw."""
