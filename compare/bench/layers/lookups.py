"""Contenders that only look up: in quantised tables, and in models that were exported to a file and loaded.

`step(i)` looks up the ids of batch i; `read()` returns the first rows as they are read, so that how far they are from
the table tells what quantising cost.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.layers.workloads import OURS, SEEN, Draws, Trainer, Workload


def lookups(name: str, row: Workload, draws: Draws) -> Trainer:
    """Return what looks up, of the contender `name`."""
    return _torch(row, draws) if name == "torch" else _tensorflow(name, row, draws)


def _tensorflow(name: str, row: Workload, draws: Draws) -> Trainer:
    import keras
    import tensorflow as tf

    layer = _layer(name, row)
    layer.build()
    layer.embeddings.assign(draws.table)
    if row.task.startswith("int"):
        layer.quantize(config=_config(row.task))
    model = layer
    if name == "keras" and row.layer == "EmbeddingBag":
        model = keras.Sequential([layer, keras.layers.GlobalAveragePooling1D()])
    call = _exported(model) if row.task == "exported" else tf.function(model)
    ids = [tf.constant(batch) for batch in draws.ids]
    version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
    first = tf.constant(np.arange(SEEN).clip(max=row.vocab - 1)[:, None])
    return Trainer(lambda i: call(ids[i]), lambda: np.reshape(call(first), (SEEN, -1))[: row.vocab], version)


def _layer(name: str, row: Workload) -> Any:
    import keras

    from tf_emb import layers

    if name == OURS:
        return getattr(layers, row.layer)(row.vocab, row.dim, embeddings_initializer="zeros")
    return keras.layers.Embedding(row.vocab, row.dim, embeddings_initializer="zeros")


def _config(task: str) -> Any:
    from keras.quantizers import Int4QuantizationConfig, Int8QuantizationConfig

    return Int8QuantizationConfig() if task == "int8" else Int4QuantizationConfig(block_size=None)


def _exported(model: Any) -> Callable[[Any], Any]:
    """Return the model as it comes back from a SavedModel."""
    import tensorflow as tf
    from keras.export import ExportArchive

    archive = ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", model.__call__, input_signature=[tf.TensorSpec((None, None), tf.int64)])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(Path(folder) / "model", verbose=False)
        loaded = tf.saved_model.load(str(Path(folder) / "model"))
    return lambda ids: loaded.serve(ids)


def _torch(row: Workload, draws: Draws) -> Trainer:
    import torch

    table, ids = torch.from_numpy(draws.table), [torch.from_numpy(batch) for batch in draws.ids]
    look_up = _torch_lookup(row, table)
    first = torch.arange(SEEN).clip(max=row.vocab - 1)[:, None]

    def step(i: int) -> None:
        with torch.no_grad():
            look_up(ids[i])

    def read() -> np.ndarray:
        return look_up(first).detach().numpy().reshape(SEEN, -1)[: row.vocab]

    return Trainer(step, read, f"torch {torch.__version__}")


def _torch_lookup(row: Workload, table: Any) -> Callable[[Any], Any]:
    """Return torch's lookup: unsigned integers by rows, each row with a scale and a zero point of its own."""
    import torch

    if row.task == "exported":
        return torch.nn.Embedding.from_pretrained(table)
    steps, dtype = (255, torch.quint8) if row.task == "int8" else (15, torch.quint4x2)
    low, high = table.min(1).values, table.max(1).values
    scale = (high - low) / steps
    integers = torch.quantize_per_channel(table, scale, -low / scale, 0, dtype)
    modules = torch.ao.nn.quantized
    if row.layer == "Embedding":
        return modules.Embedding(row.vocab, row.dim, _weight=integers, dtype=dtype)
    bag = modules.EmbeddingBag(row.vocab, row.dim, mode="sum", _weight=integers, dtype=dtype)  # it has no mean

    def means(ids: Any) -> Any:
        return bag(ids) / ids.shape[1]

    return means
