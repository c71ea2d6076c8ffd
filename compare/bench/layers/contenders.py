"""The contenders: how each framework takes the training step that its users would write, in a process of its own."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from compare.bench.child import forget_peak, now_mib, peak_mib
from compare.bench.layers.lookups import lookups
from compare.bench.layers.workloads import LOOKUPS, OURS, RATE, SEEN, Draws, Trainer, Workload, draw


def work(name: str, threads: int, workload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is known after one step on each batch, then the cost of a turn as often as it is asked for."""
    row = Workload(**workload)
    build = load(name, threads)
    loaded = now_mib()
    draws = draw(row)
    trainer = build(row, draws)
    moved, distinct = first_pass(trainer, draws), [len(np.unique(batch)) for batch in draws.ids]
    yield {
        "version": trainer.version,
        "loaded_mib": loaded,
        "moved": moved,
        "distinct": round(float(np.mean(distinct))),
    }
    del draws
    forget_peak()  # building held a copy of the table
    while True:
        yield {"seconds": timed(trainer, row.batches), "peak_mib": peak_mib()}


def first_pass(trainer: Trainer, draws: Draws) -> float:
    """Take one step on each batch, which traces and warms up; return how far the first rows moved."""
    for i in range(len(draws.ids)):
        trainer.step(i)
    return float(np.linalg.norm(trainer.read().astype(np.float64) - draws.table[:SEEN]))


def timed(trainer: Trainer, batches: int) -> float:
    """Return the seconds per step, averaged over all batches, which differ in their distinct ids."""
    began = time.perf_counter()
    for i in range(batches):
        trainer.step(i)
    return (time.perf_counter() - began) / batches


def load(name: str, threads: int) -> Callable[[Workload, Draws], Trainer]:
    """Load the framework of a contender, limited to `threads`; return what builds its trainer."""
    if name == "torch":
        import torch

        torch.set_num_threads(threads)
        return lambda row, draws: lookups(name, row, draws) if row.task in LOOKUPS else _torch(row, draws)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if name.startswith(OURS):
        import tf_emb.layers
        import tf_emb.optimizers  # noqa: F401  loaded before memory is first measured
    return lambda row, draws: lookups(name, row, draws) if row.task in LOOKUPS else _training(name, row, draws)


def _training(name: str, row: Workload, draws: Draws) -> Trainer:
    parts = _ours(row, lazy=name == OURS) if name.startswith(OURS) else _keras(row)
    return _tensorflow(row, draws, *parts)


def _torch(row: Workload, draws: Draws) -> Trainer:
    import torch

    ids, upstream = torch.from_numpy(draws.ids), torch.from_numpy(draws.upstream)
    bag = {"mode": "mean"} if row.layer == "EmbeddingBag" else {}
    layer = getattr(torch.nn, row.layer)(row.vocab, row.dim, sparse=True, **bag)
    layer.weight.data.copy_(torch.from_numpy(draws.table))
    kind = {"Adam": "SparseAdam"}.get(row.task, row.task)
    optimizer = getattr(torch.optim, kind)(layer.parameters(), lr=RATE)

    def step(i: int) -> None:
        optimizer.zero_grad(set_to_none=True)
        layer(ids[i]).backward(upstream)
        optimizer.step()

    return Trainer(step, lambda: layer.weight.data[:SEEN].numpy().copy(), f"torch {torch.__version__}")


def _ours(row: Workload, lazy: bool) -> tuple[Any, Any, Any]:
    import keras

    from tf_emb import layers, optimizers

    layer = getattr(layers, row.layer)(row.vocab, row.dim, embeddings_initializer="zeros")
    optimizer = getattr(optimizers, f"Lazy{row.task}") if lazy else getattr(keras.optimizers, row.task)
    return layer, layer, optimizer(RATE)


def _keras(row: Workload) -> tuple[Any, Any, Any]:
    import keras

    layer = keras.layers.Embedding(row.vocab, row.dim, embeddings_initializer="zeros")
    optimizer = getattr(keras.optimizers, row.task)(RATE)
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
