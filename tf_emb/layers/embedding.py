"""`keras.layers.Embedding` with the semantics of `torch.nn.Embedding`, correct for repeated and for unknown ids.

forward[b, t, :] = table[ids[b, t], :];  dE/dtable[i, :] = sum over (b, t) with ids[b, t] = i of
dE/dforward[b, t, :], and 0 for i = padding_idx. docs/semantics.md has the rule of every parameter.
"""

from numbers import Integral
from typing import Any

import keras
from keras import ops

from tf_emb.layers.convert import Conversions
from tf_emb.layers.quantized import Quantizable
from tf_emb.layers.renorm import shorten_in_place, shortened, straight_through
from tf_emb.layers.trainable_rows import RowChoice, Slots, check_rows
from tf_emb.ops.gather import distinct_rows, lookup, reads_distinct, uncast
from tf_emb.ops.ids import Policy, as_index, check_ids, check_policy, inside
from tf_emb.ops.types import Ids, Index, Output, Rows, Shape


@keras.saving.register_keras_serializable("tf_emb")
class Embedding(Conversions, Quantizable):
    """Turns ids into dense vectors of fixed size, as `keras.layers.Embedding` and `torch.nn.Embedding` do.

    Args:
        input_dim: size of the vocabulary.
        output_dim: size of a vector.
        padding_idx: id whose row is zero at construction (unless `weights` say otherwise) and gets no
            gradient; negative ids count from the end, as in torch. None for no such row.
        max_norm: rows that are looked up and longer than this are shortened to it, in place, before the
            lookup, including the padding row; no gradient flows through that. On JAX, where a forward pass
            cannot change trainable variables, the row is shortened as it is read.
        norm_type: the p of that norm; infinity is allowed.
        scale_grad_by_freq: divide a row's gradient by how often its id occurs in the call.
        sparse: whether the gradient names only the rows of the call (on TensorFlow); False for a dense one.
        trainable_rows: the rows that are trained, as ids or as one bool per row; the others keep their bits under
            every optimizer, and `max_norm` leaves them alone too. None for all. With it `embeddings` is a tensor.
        out_of_range: what becomes of ids outside 0..input_dim-1: "raise", "nan", "zero", or the number of
            the row that stands for unknown words. See tf_emb.ops.ids.
        **kwargs: what `keras.layers.Embedding` takes: `embeddings_initializer`, `mask_zero`, `weights` ...

    Input: integers, any shape; output: input shape + (output_dim,), `compute_dtype`.

    Raises:
        ValueError: an argument is outside its range.
        TypeError: called with ids that are not integers.
        IndexError: called with an id that names no row, under "raise", where the program can raise.
    """

    _quantized_as_it_is = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *args: Any,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = True,
        trainable_rows: RowChoice | None = None,
        out_of_range: Policy = "raise",
        **kwargs: Any,
    ) -> None:
        # Checked before the parent, which builds the table when it is given `weights`.
        self.padding_idx = _row(padding_idx, input_dim)
        self.max_norm, self.norm_type = _norm(max_norm, norm_type)
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.trainable_rows = check_rows(trainable_rows, input_dim) if isinstance(input_dim, int) else None
        self.out_of_range = check_policy(out_of_range, input_dim) if isinstance(input_dim, int) else out_of_range
        self._slots = None if self.trainable_rows is None else Slots(self.trainable_rows, input_dim)
        super().__init__(input_dim, output_dim, *args, **kwargs)

    def build(self, input_shape: Shape = None) -> None:
        """Create the table; the padding row starts at zero."""
        if self.built:
            return
        super().build(input_shape)
        if self.padding_idx is not None and self.quantization_mode is None:
            live = ops.arange(self.input_dim)[:, None] != self.padding_idx
            self._embeddings.assign(ops.where(live, ops.convert_to_tensor(self._embeddings), 0))
        if self._slots is not None:
            self._split(self._slots)

    @property
    def embeddings(self) -> Output:
        """The table: Keras' variable, or its integers; put together, with `trainable_rows` and after `enable_lora`."""
        if self.lora_enabled and self.built:
            return self._as_read()
        table = super().embeddings
        if self._slots is None:
            return table
        return self._slots.merged(uncast(table), uncast(self._trained))

    def call(self, inputs: Ids) -> Output:
        """Return the row of every id."""
        self._shorten(inputs)
        rows = self._rows(inputs, self.padding_idx, self.scale_grad_by_freq, self.max_norm)
        return ops.cast(rows, self.compute_dtype)

    def _rows(
        self, ids: Ids, padding_idx: int | None = None, by_freq: bool = False, max_norm: float | None = None
    ) -> Rows:
        """Return the rows at the dtype of the table; `max_norm` matters on JAX alone, which has not shortened them.

        Rows of a frozen table, quantised or adapted, are read otherwise: see `_read`.
        """
        if self._is_frozen():
            return self._read(ids, by_freq, max_norm)
        options: dict[str, Any] = {"scale_grad_by_freq": by_freq, "sparse": self.sparse}
        if self._slots is None:
            rows = lookup(self.embeddings, ids, padding_idx, out_of_range=self.out_of_range, **options)
            return self._shortened(rows, max_norm)
        fixed = ops.stop_gradient(lookup(self._embeddings, ids, out_of_range=self.out_of_range))
        slots = self._slots.of(ids, self.out_of_range)
        padding = self._slots.of_padding(padding_idx)
        rows = self._shortened(lookup(self._trained, slots, padding, out_of_range="zero", **options), max_norm)
        return ops.where(ops.expand_dims(slots >= 0, -1), rows, fixed)

    def _is_frozen(self) -> bool:
        return self.lora_enabled or self.quantization_mode is not None

    def _shortened(self, rows: Rows, max_norm: float | None) -> Rows:
        if max_norm is None or keras.backend.backend() != "jax":
            return rows
        return straight_through(lambda tensor: shortened(tensor, max_norm, self.norm_type), rows)

    def _distinct(self, ids: Ids) -> tuple[Rows, Ids, Index | None]:
        """Return rows, their ids, and for each of the flat `ids` the number of its row: None if there is one per id."""
        self._shorten(ids)
        if self._slots is not None or self._is_frozen() or not reads_distinct(self.embeddings):
            return self._rows(ids, self.padding_idx, self.scale_grad_by_freq, self.max_norm), ids, None
        arguments = self.padding_idx, self.scale_grad_by_freq, self.out_of_range, self.sparse
        return distinct_rows(self.embeddings, as_index(ids), *arguments)

    def _shorten(self, ids: Ids) -> None:
        """Apply `max_norm` to the rows that are about to be looked up, in place where the backend can."""
        if self.max_norm is None or keras.backend.backend() == "jax" or self._is_frozen():
            return
        ids, table = as_index(ids), self._embeddings
        if self._slots is not None:
            ids, table = self._slots.of(ids, self.out_of_range), self._trained
        elif isinstance(self.out_of_range, int):
            ids = ops.where(inside(ids, self.input_dim), ids, ops.cast(self.out_of_range, ids.dtype))
        shorten_in_place(uncast(table), ops.reshape(ids, (-1,)), self.max_norm, self.norm_type)

    def compute_output_spec(self, inputs: Ids) -> keras.KerasTensor:
        """Reject symbolic ids that are not integers, before there is any data; return the spec of the output."""
        check_ids(inputs)
        return super().compute_output_spec(inputs)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        own = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse", "trainable_rows", "out_of_range")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _row(padding_idx: int | None, input_dim: int) -> int | None:
    if padding_idx is None or not isinstance(input_dim, int):  # the parent rejects another input_dim
        return padding_idx
    if not isinstance(padding_idx, Integral) or not -input_dim <= padding_idx < input_dim:
        raise ValueError(
            f"`padding_idx` must be in -{input_dim}..{input_dim - 1}; got {padding_idx}. "
            "Give a row of the table, or None for no padding row."
        )
    return int(padding_idx) % input_dim


def _norm(max_norm: float | None, norm_type: float) -> tuple[float | None, float]:
    if max_norm is not None and not max_norm > 0:
        raise ValueError(f"`max_norm` must be positive; got {max_norm}. Use None for no limit.")
    if not norm_type >= 1:
        raise ValueError(f"`norm_type` must be 1 or more; got {norm_type}. 2 is the Euclidean norm.")
    return None if max_norm is None else float(max_norm), float(norm_type)
