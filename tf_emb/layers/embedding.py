"""`keras.layers.Embedding` with the semantics of `torch.nn.Embedding`, correct for repeated and for unknown ids.

forward[b, t, :] = table[ids[b, t], :];  dE/dtable[i, :] = sum over (b, t) with ids[b, t] = i of
dE/dforward[b, t, :], and 0 for i = padding_idx. docs/semantics.md has the rule of every parameter.
"""

from numbers import Integral
from typing import Any, TypeAlias

import keras
from keras import ops

from tf_emb.layers.convert import Conversions
from tf_emb.layers.id_inputs import AnyIds, TakesIds, has_unknown_rank, in_the_form_of, is_ragged, mask_of
from tf_emb.layers.quantized import Quantizable
from tf_emb.layers.renorm import can_write_table, shorten_in_place, shortened
from tf_emb.layers.saved import Restored
from tf_emb.layers.torch_parameters import FUNCTIONAL
from tf_emb.layers.trainable_rows import RowChoice, Slots, check_rows
from tf_emb.layers.unknown_ids import Seen, watched, witness_of
from tf_emb.layers.words import TORCHS_EMBEDDING, Matrix, takes_torchs_words
from tf_emb.ops.gather import distinct_rows, lookup, reads_distinct, uncast
from tf_emb.ops.gradient import straight_through
from tf_emb.ops.ids import Policy, as_index, can_raise, check_policy, inside, leaves_nan
from tf_emb.ops.shield import shielded
from tf_emb.ops.types import Ids, Index, Initializer, Mask, Output, Rows, Shape

Rule: TypeAlias = Any  # what keras.regularizers.get and keras.constraints.get take: a name, a function, a config


@keras.saving.register_keras_serializable("tf_emb")
class Embedding(Restored, TakesIds, Conversions, *FUNCTIONAL, Quantizable):  # type: ignore[misc]
    """Turns ids into dense vectors of fixed size, as `keras.layers.Embedding` and `torch.nn.Embedding` do.

    Args:
        input_dim: size of the vocabulary.
        output_dim: size of a vector.
        padding_idx: id whose row is zero at construction (unless `weights` say otherwise) and gets no
            gradient; negative ids count from the end, as in torch. None for no such row.
        mask_zero: whether the layers that follow are told to skip padding: the places of `padding_idx`, or of id 0
            where none is given, as in Keras (its row is then trained like any other). None: if `padding_idx` is given.
        max_norm: rows that are looked up and longer than this are shortened to it, in place, before the
            lookup, including the padding row; no gradient flows through that. On JAX, and where PyTorch traces or
            transforms (torch.compile, torch.func), a forward pass cannot change the table: the row is shortened
            as it is read.
        norm_type: the p of that norm; infinity is allowed.
        scale_grad_by_freq: divide a row's gradient by how often its id occurs in the call.
        sparse: whether the gradient names only the rows of the call (on TensorFlow); False for a dense one.
        trainable_rows: the rows that are trained, as ids or as one bool per row; the others keep their bits under
            every optimizer, and `max_norm` leaves them alone too. None for all. With it `embeddings` is a tensor.
        out_of_range: what becomes of ids outside 0..input_dim-1: "raise", "nan", "zero", or the number of
            the row that stands for unknown words. See tf_emb.ops.ids.
        **kwargs: what `keras.layers.Embedding` takes: `embeddings_initializer`, `weights`, `lora_rank` ...

    PyTorch's words for these arguments are taken too: see tf_emb.layers.words.

    Input: integers, any shape; a tf.RaggedTensor, for which the output is ragged; a tf.SparseTensor or a BCOO, whose
    absent places are id 0. Output: input shape + (output_dim,), `compute_dtype`.

    Raises:
        ValueError: an argument is outside its range.
        TypeError: called with ids that are not integers.
        IndexError: called with an id that names no row, under "raise", where the program can raise.
    """

    _quantized_as_it_is = True

    @takes_torchs_words(TORCHS_EMBEDDING)
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Initializer = "uniform",
        embeddings_regularizer: Rule = None,
        embeddings_constraint: Rule = None,
        mask_zero: bool | None = None,
        weights: Matrix | None = None,
        *,
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
        self._masked = 0 if self.padding_idx is None else self.padding_idx
        mask_zero = self.padding_idx is not None if mask_zero is None else mask_zero
        rules = embeddings_initializer, embeddings_regularizer, embeddings_constraint
        super().__init__(input_dim, output_dim, *rules, mask_zero, weights, **kwargs)

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

    _keras_table = keras.layers.Embedding.embeddings  # torch.compile cannot follow super() to a property

    @property
    def embeddings(self) -> Output:
        """The table: Keras' variable, or its integers; put together, with `trainable_rows` and after `enable_lora`."""
        if self.lora_enabled and self.built:
            return self._as_read()
        table = self._keras_table
        if self._slots is None:
            return table
        return self._slots.merged(uncast(table), uncast(self._trained))

    def call(self, inputs: AnyIds) -> Output:
        """Return the row of every id."""
        inputs = self._arrived(inputs)
        if is_ragged(inputs):
            return inputs.with_flat_values(self.call(inputs.flat_values))
        if has_unknown_rank(inputs):
            return in_the_form_of(inputs, self.call(ops.reshape(inputs, (-1,))))
        if self.out_of_range == "raise" and not can_raise(inputs):
            inputs = watched(self, inputs)
        self._shorten(inputs)
        rows = self._rows(inputs, self.padding_idx, self.scale_grad_by_freq, self.max_norm)
        return ops.cast(rows, self.compute_dtype)

    def _rows(
        self, ids: Ids, padding_idx: int | None = None, by_freq: bool = False, max_norm: float | None = None
    ) -> Rows:
        """Return the rows at the dtype of the table; `max_norm` matters where the table cannot be written.

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
        rows = ops.where((slots >= 0)[..., None], rows, fixed)
        if leaves_nan(ids, self.out_of_range):
            rows = shielded(rows, as_index(ids), self.input_dim, self.out_of_range)
        return rows

    def _is_frozen(self) -> bool:
        return self.lora_enabled or self.quantization_mode is not None

    def _shortened(self, rows: Rows, max_norm: float | None) -> Rows:
        if max_norm is None or can_write_table():
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
        if self.max_norm is None or not can_write_table() or self._is_frozen():
            return
        ids, table = as_index(ids), self._embeddings
        if self._slots is not None:
            ids, table = self._slots.of(ids, self.out_of_range), self._trained
        elif isinstance(self.out_of_range, int):
            ids = ops.where(inside(ids, self.input_dim), ids, ops.cast(self.out_of_range, ids.dtype))
        shorten_in_place(uncast(table), ops.reshape(ids, (-1,)), self.max_norm, self.norm_type)

    def first_unknown_id(self) -> Seen | None:
        """Return the first id that named no row in a compiled program, which cannot raise, and its position.

        None where there was none, or `out_of_range` is not "raise". On JAX wait for the program's results before: it
        may still be running.
        """
        witness = witness_of(self)
        return None if witness is None else witness.first()

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Name to TensorFlow what a SavedModel needs of a program that XLA compiled, and no checkpoint has."""
        children: dict[str, Any] = super()._trackable_children(save_type, **kwargs)
        witness = witness_of(self)
        if save_type == "savedmodel" and witness is not None and witness.variable is not None:
            children["_first_unknown_id"] = witness.variable
        return children

    def compute_mask(self, inputs: AnyIds, previous_mask: Mask | None = None) -> Mask | None:
        """Return which ids are not padding, in the shape of the ids; None without `mask_zero`."""
        return mask_of(inputs, self._masked) if self.mask_zero else None

    def compute_output_spec(self, inputs: Ids) -> keras.KerasTensor:
        """Return the spec of the output."""
        self._accept(inputs)
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
