"""Optimizers that touch only the rows a batch looked up.

The gradient of a lookup names few rows of a large table. Keras' Adam nevertheless decays the moments of every row
and moves every row at every step, which takes time in proportion to the vocabulary and drags along words that were
not seen. These update only the named rows and their state, as torch's optimizers do for `nn.Embedding(sparse=True)`:

    LazySGD       torch.optim.SGD on sparse gradients: plain SGD
    LazyAdam      torch.optim.SparseAdam
    LazyAdagrad   torch.optim.Adagrad on sparse gradients (rows without a gradient never move, so it is plain Adagrad)

Rows are named by `tf.IndexedSlices`, so this applies on Keras' TensorFlow backend. A dense gradient (that of every
other layer; every gradient on the JAX and torch backends) names all rows and gets the same formula: ordinary Adam with
eps-hat, ordinary Adagrad.

They run eagerly, in a tf.function, under XLA, and on replicas. Clipping (`clipnorm`, `global_clipnorm`, `clipvalue`)
sees the summed gradient of each row; XLA refuses to compile it ("UniqueWithCounts") rather than clip by a wrong norm:
pass jit_compile=False to `model.compile`. `use_ema` and a constraint on the table work, and read the whole table at
every step, as they do in Keras.
"""

from tf_emb.optimizers.rules import LazyAdagrad, LazyAdam, LazySGD

__all__ = ["LazyAdagrad", "LazyAdam", "LazySGD"]
