"""Optimizers that touch only the rows a batch looked up.

The gradient of a lookup names few rows of a large table. Keras' Adam nevertheless decays the moments of every row
and moves every row at every step, which costs time in proportion to the vocabulary, and drags words along that were
not seen. These update the named rows alone, their state too, as torch's optimizers do for `nn.Embedding(sparse=True)`:

    LazySGD       torch.optim.SGD on sparse gradients: plain SGD
    LazyAdam      torch.optim.SparseAdam
    LazyAdagrad   torch.optim.Adagrad on sparse gradients (its rows without gradient never move, so it is plain Adagrad)

Rows are named by `tf.IndexedSlices`, so this holds on Keras' TensorFlow backend. A dense gradient (every other
layer's; every gradient on the JAX and torch backends) names all rows and gets the same formula: ordinary Adam with
eps-hat, ordinary Adagrad.

They run eagerly, in a tf.function, under XLA, and on replicas. Clipping (`clipnorm`, `global_clipnorm`, `clipvalue`)
sees the summed gradient of each row, and XLA refuses to compile it ("UniqueWithCounts") instead of clipping by a wrong
norm: give `model.compile` jit_compile=False. `use_ema` and a constraint on the table work, and read the whole table at
every step, as they do in Keras.
"""

from tf_emb.optimizers.adagrad import LazyAdagrad
from tf_emb.optimizers.adam import LazyAdam
from tf_emb.optimizers.sgd import LazySGD

__all__ = ["LazyAdagrad", "LazyAdam", "LazySGD"]
