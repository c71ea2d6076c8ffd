"""`keras.layers.Embedding` with torch's padding row and a gradient that is right on repeated ids.

forward[b, t, :] = table[ids[b, t], :];  dE/dtable[i, :] = sum over (b, t) with ids[b, t] = i of
dE/dforward[b, t, :], and 0 for i = padding_idx (torch.nn.Embedding, "padding_idx").
"""

from numbers import Integral
from typing import Any

import keras

from tf_emb.layers.lookup import check_ids, lookup


@keras.saving.register_keras_serializable("tf_emb")
class Embedding(keras.layers.Embedding):
    """Turns ids into dense vectors of fixed size, as `keras.layers.Embedding` and `torch.nn.Embedding` do.

    Args:
        input_dim: size of the vocabulary.
        output_dim: size of a vector.
        padding_idx: id whose row is zero at construction (unless `weights` say otherwise) and gets no
            gradient; negative ids count from the end, as in torch. None for no such row.
        **kwargs: what `keras.layers.Embedding` takes: `embeddings_initializer`, `mask_zero`, `weights` ...

    Input: integers, any shape; output: input shape + (output_dim,), `compute_dtype`.

    Raises:
        ValueError: `padding_idx` is not a row of the table.
        TypeError: called with ids that are not integers.
    """

    def __init__(
        self, input_dim: int, output_dim: int, *args: Any, padding_idx: int | None = None, **kwargs: Any
    ) -> None:
        # Checked before the parent, which builds the table when it is given `weights`.
        self.padding_idx = _row(padding_idx, input_dim)
        super().__init__(input_dim, output_dim, *args, **kwargs)

    def build(self, input_shape: Any = None) -> None:
        """Create the table; the padding row starts at zero."""
        if self.built:
            return
        super().build(input_shape)
        if self.padding_idx is not None and self.quantization_mode is None:
            live = keras.ops.arange(self.input_dim)[:, None] != self.padding_idx
            self._embeddings.assign(keras.ops.where(live, keras.ops.convert_to_tensor(self._embeddings), 0))

    def call(self, inputs: Any) -> Any:
        """Return the row of every id."""
        return keras.ops.cast(lookup(self.embeddings, inputs, self.padding_idx), self.compute_dtype)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Refuse symbolic ids that are not integers, before there is any data; return the output's spec."""
        check_ids(inputs)
        return super().compute_output_spec(inputs)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {**super().get_config(), "padding_idx": self.padding_idx}


def _row(padding_idx: int | None, input_dim: int) -> int | None:
    if padding_idx is None or not isinstance(input_dim, int):  # the parent refuses another input_dim
        return padding_idx
    if not isinstance(padding_idx, Integral) or not -input_dim <= padding_idx < input_dim:
        raise ValueError(
            f"`padding_idx` must be in -{input_dim}..{input_dim - 1}; got {padding_idx}. "
            "Name a row of the table, or None for no padding row."
        )
    return int(padding_idx) % input_dim
