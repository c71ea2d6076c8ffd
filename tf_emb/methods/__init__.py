"""Embeddings of other kinds, one file each: every method returns `Vectors`, or a model that has them.

Import a method from its own file, as in `from tf_emb.methods.kernel import random_fourier_features`: some load
TensorFlow, others NumPy alone.
"""
