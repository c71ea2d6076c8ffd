"""An output layer's tie to an `Embedding`: whose table it is, and how that is found again in a copy of a model.

A layer's configuration cannot hold another layer, only say which one it was. In a file that Keras writes the two are
marked as one object, and are one after loading. A clone, or a model from its configuration, has no such marks: there
the layer of that name is looked for among those that lead to the input.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import keras
from keras import ops

from tf_emb.layers.embedding import Embedding
from tf_emb.ops.types import DType, Output, Rows, Table

Config: TypeAlias = dict[str, Any]  # what Keras writes of a layer


class Tie:
    """The embedding whose table an output layer reads. No attribute of a layer that Keras would track.

    Args:
        embedding: the layer; None where only its name is known yet.
        name: its name.
        sure: whether it is the layer itself; from a file it may be a copy, where Keras lost the mark.
    """

    def __init__(self, embedding: Embedding | None, name: str, sure: bool = True) -> None:
        self.embedding, self.name, self.sure = embedding, name, sure

    def found(self, hidden: Rows) -> Embedding:
        """Return the embedding; where it is not sure which, the one of its name that leads to the symbolic `hidden`.

        Raises:
            ValueError: there is none.
        """
        if not self.sure:
            same = [layer for layer in _before(hidden) if isinstance(layer, Embedding) and layer.name == self.name]
            self.embedding, self.sure = (same[0], True) if same else (self.embedding, False)
        if self.embedding is None:
            raise ValueError(
                f"`tied_to` must be a layer: {self.name!r} is none of those that lead to this input. "
                "Set `tied_to` of this layer to the embedding of its model."
            )
        return self.embedding

    def saved(self) -> dict[str, Any]:
        """Return what `from_saved` reads."""
        if self.embedding is None:
            return {"config": {"name": self.name}}
        config: Config = keras.saving.serialize_keras_object(self.embedding)
        return config


def checked(tied_to: Embedding | None, vocab_size: int | None) -> tuple[Tie | None, int]:
    """Return the tie, None for None, and the size of the vocabulary.

    Raises:
        ValueError: neither is given; or the sizes differ.
        TypeError: `tied_to` is not an `Embedding`.
    """
    if tied_to is None:
        if vocab_size is None:
            raise ValueError("`vocab_size` must be given without `tied_to`; got None. Give the number of words.")
        return None, vocab_size
    if not isinstance(tied_to, Embedding):
        raise TypeError(f"`tied_to` must be a tf_emb Embedding; got {type(tied_to).__name__}. Give the layer itself.")
    if vocab_size not in (None, tied_to.input_dim):
        size = tied_to.input_dim
        raise ValueError(f"`vocab_size` must be that of `tied_to`, {size}; got {vocab_size}. Leave it out.")
    return Tie(tied_to, tied_to.name), tied_to.input_dim


def from_saved(config: Config) -> Tie:
    """Return the tie that `get_config` wrote.

    Raises:
        ValueError: the configuration is of no embedding.
    """
    inner = config.get("config") if isinstance(config, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(name, str):
        raise ValueError("`tied_to` must hold the name of an embedding; the configuration has none. Save it again.")
    shared = "shared_object_id" in config  # then Keras returns the model's own layer, not a copy
    embedding = keras.saving.deserialize_keras_object(config) if shared else None
    if shared and not isinstance(embedding, Embedding):
        kind = type(embedding).__name__
        raise ValueError(f"`tied_to` must be a tf_emb Embedding; the configuration has a {kind}. Save it again.")
    return Tie(embedding, name, sure=False)


def output_table(embedding: Embedding, dtype: DType) -> Table:
    """Return the table as an output layer reads it, shape (vocab, dim): no gradient reaches the padding row.

    Rows that are not trained are in no trainable variable; the table of a quantized layer is dequantized; that of one
    with low-rank adaptation has it added.
    """
    table = embedding._as_read()
    if embedding.padding_idx is not None:
        live = ops.expand_dims(ops.arange(embedding.input_dim) != embedding.padding_idx, -1)
        table = ops.where(live, table, ops.stop_gradient(table))
    return ops.cast(table, dtype)


def _before(hidden: Output) -> Iterator[keras.Layer]:
    """Yield the layers that lead to a symbolic tensor, and theirs."""
    waiting, seen = [hidden], set()
    while waiting:
        tensor = waiting.pop()
        history = getattr(tensor, "_keras_history", None)
        if history is None or id(tensor) in seen:
            continue
        seen.add(id(tensor))
        operation = history.operation
        if isinstance(operation, keras.Layer):
            yield from operation._flatten_layers()
        if history.node_index < len(operation._inbound_nodes):
            waiting.extend(operation._inbound_nodes[history.node_index].input_tensors)
