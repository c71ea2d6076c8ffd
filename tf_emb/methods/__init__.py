"""Embeddings of other kinds, a file each: every one returns `LabelledVectors`.

Import a method from its own file, as `from tf_emb.methods.kernel import random_fourier_features`: one loads
TensorFlow, another NumPy alone.
"""

from tf_emb.methods.labelled import LabelledVectors

__all__ = ["LabelledVectors"]
