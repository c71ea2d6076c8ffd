"""The arithmetic that layers, optimizers, word2vec and GloVe share."""
