"""The arithmetic that layers, optimizers, word2vec and GloVe share.

- types: names for what tensors hold, used in signatures
- ids: which ids are allowed, and what becomes of the others
- gather: rows by id, with a gradient that is summed per row; sparse matrices in CSR form, on TensorFlow
- reductions: products, and sums and maxima over segments, at the dtype of their values
- noise: the distribution of noise words, and draws from it; NumPy only
"""
