"""The contenders: how each framework takes the training step that its users would write."""

from collections.abc import Callable
from typing import Any

from compare.bench.layers.workloads import OURS, RATE, SEEN, Draws, Trainer, Workload


def load(name: str, threads: int) -> Callable[[Workload, Draws], Trainer]:
    """Load the framework of a contender, limited to `threads`; return what builds its trainer."""
    if name == "torch":
        return _load_torch(threads)
    return _load_tensorflow(threads, name)


def _load_torch(threads: int) -> Callable[[Workload, Draws], Trainer]:
    import torch

    torch.set_num_threads(threads)
    return _torch


def _torch(row: Workload, draws: Draws) -> Trainer:
    import torch

    ids, upstream = torch.from_numpy(draws.ids), torch.from_numpy(draws.upstream)
    bag = {"mode": "mean"} if row.layer == "EmbeddingBag" else {}
    layer = getattr(torch.nn, row.layer)(row.vocab, row.dim, sparse=True, **bag)
    layer.weight.data.copy_(torch.from_numpy(draws.table))
    kind = {"Adam": "SparseAdam"}.get(row.optimizer, row.optimizer)
    optimizer = getattr(torch.optim, kind)(layer.parameters(), lr=RATE)

    def step(i: int) -> None:
        optimizer.zero_grad(set_to_none=True)
        layer(ids[i]).backward(upstream)
        optimizer.step()

    return Trainer(step, lambda: layer.weight.data[:SEEN].numpy().copy(), f"torch {torch.__version__}")


def _load_tensorflow(threads: int, name: str) -> Callable[[Workload, Draws], Trainer]:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if name.startswith(OURS):
        import tf_emb.layers
        import tf_emb.optimizers  # noqa: F401  loaded before memory is first measured

        return lambda row, draws: _tensorflow(row, draws, *_ours(row, lazy=name == OURS))
    return lambda row, draws: _tensorflow(row, draws, *_keras(row))


def _ours(row: Workload, lazy: bool) -> tuple[Any, Any, Any]:
    import keras

    from tf_emb import layers, optimizers

    layer = getattr(layers, row.layer)(row.vocab, row.dim, embeddings_initializer="zeros")
    optimizer = getattr(optimizers, f"Lazy{row.optimizer}") if lazy else getattr(keras.optimizers, row.optimizer)
    return layer, layer, optimizer(RATE)


def _keras(row: Workload) -> tuple[Any, Any, Any]:
    import keras

    layer = keras.layers.Embedding(row.vocab, row.dim, embeddings_initializer="zeros")
    optimizer = getattr(keras.optimizers, row.optimizer)(RATE)
    if row.layer == "Embedding":
        return layer, layer, optimizer
    return layer, keras.Sequential([layer, keras.layers.GlobalAveragePooling1D()]), optimizer


def _tensorflow(row: Workload, draws: Draws, layer: Any, model: Any, optimizer: Any) -> Trainer:
    """Return the trainer of a layer and the model it is part of: a tf.function around a tape."""
    import keras
    import tensorflow as tf

    layer.build()
    layer.embeddings.assign(draws.table)
    optimizer.build([layer.embeddings])
    ids, upstream = [tf.constant(batch) for batch in draws.ids], tf.constant(draws.upstream)

    @tf.function
    def train(batch: Any, gradient: Any) -> None:
        with tf.GradientTape() as tape:
            out = model(batch)
        slices = tape.gradient(out, layer.embeddings.value, output_gradients=gradient)
        optimizer.apply([slices], [layer.embeddings])

    version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
    return Trainer(lambda i: train(ids[i], upstream), lambda: layer.embeddings.value[:SEEN].numpy(), version)
