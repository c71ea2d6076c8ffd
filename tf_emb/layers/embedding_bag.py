"""One vector per bag of ids: `torch.nn.EmbeddingBag` as a Keras layer.

For bag b, with rows x_p and weights w_p (1 unless given) at the places p whose ids are not padding:

    sum    sum_p w_p x_p
    mean   sum_p w_p x_p / sum_p w_p            (the number of places, where no weights are given; 0 for 0 / 0)
    sqrtn  sum_p w_p x_p / sqrt(sum_p w_p^2)    (tf.nn.embedding_lookup_sparse)
    max    max_p x_p, by column; where several are largest the gradient goes to the first

A bag without such places becomes zeros, or the row `default_id`.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any, Literal, Self, TypeAlias

import keras
from keras import ops

from tf_emb.layers.bag_inputs import BagInputs, Bags, BagWeights, as_bags
from tf_emb.layers.embedding import Embedding
from tf_emb.layers.id_inputs import AnyIds, Arguments, Keywords
from tf_emb.layers.unknown_ids import watched
from tf_emb.layers.words import TORCHS_BAG, takes_torchs_words, with_offsets
from tf_emb.ops.ids import leaves_nan
from tf_emb.ops.reductions import gathered_sum
from tf_emb.ops.shield import shielded
from tf_emb.ops.types import Index, Mask, Output, Rows, Shape

if keras.backend.backend() == "tensorflow":
    from tf_emb.ops.csr import spread

Combiner = Literal["sum", "mean", "max", "sqrtn"]
TorchModule: TypeAlias = Any  # torch.nn.EmbeddingBag


def combine(rows: Rows, place: Index | None, of: Bags, live: Mask, combiner: Combiner) -> Rows:
    """Return one vector per bag, zeros for bags without live places.

    Args:
        rows: shape (distinct, dim); those of padding are finite.
        place: int32, shape (places,): the row of each place; None where there is one row per place.
        of: the bags and weights of the places.
        live: bool, shape (places,): False for padding.
        combiner: see the docstring of this module.
    """
    if combiner == "max":
        return _largest(rows if place is None else spread(rows, place), of, live)
    weights = ops.cast(live, rows.dtype) if of.weights is None else ops.where(live, of.weights, 0)
    weights = ops.cast(weights, rows.dtype)
    if place is None:
        total = of.sum(rows * weights[:, None])
    else:
        total = gathered_sum(rows, place, of.bag, of.count, weights, learned=of.weights is not None)
    if combiner == "sum":
        return total
    norm = of.sum(weights if combiner == "mean" else weights**2)[:, None]
    divisor = ops.where(norm == 0, 1, norm)
    if combiner == "sqrtn":
        # The root is taken before the choice: Grappler makes x * rsqrt(y) of x / sqrt(y), and rounds once more.
        divisor = ops.where(norm == 0, 1, ops.sqrt(divisor))
    return ops.where(norm == 0, 0, total / divisor)


def _largest(rows: Rows, of: Bags, live: Mask) -> Rows:
    """Return, for every bag and column, the first place that holds the largest value."""
    fixed = ops.where(live[:, None], ops.stop_gradient(rows), float("-inf"))
    fixed = ops.where(ops.isnan(fixed), float("inf"), fixed)  # NaN is not equal to itself: no place would be found
    is_largest = ops.logical_and(live[:, None], fixed == of.spread(of.max(fixed)))
    place = ops.arange(ops.shape(rows)[0], dtype="int32")[:, None]
    first = -of.max(-ops.where(is_largest, place, ops.shape(rows)[0] - 1))
    filled = _any(live, of)[:, None]
    padded = ops.pad(rows, [[0, 1], [0, 0]])  # so that row 0 exists where there are no places
    return ops.where(filled, ops.take_along_axis(padded, ops.where(filled, first, 0), axis=0), 0)


def _any(live: Mask, of: Bags) -> Mask:
    return of.sum(ops.cast(live, "int32")) > 0


@keras.saving.register_keras_serializable("tf_emb")
class EmbeddingBag(Embedding):
    """Looks up the rows of each bag of ids and combines them into one vector.

    Args:
        input_dim: size of the vocabulary.
        output_dim: size of a vector.
        combiner: "mean", "sum", "max" or "sqrtn".
        include_last_offset: with (ids, offsets): the last offset is the end of the last bag.
        default_id: the id whose row stands for bags without ids; None for zeros.
        **kwargs: what `Embedding` takes: `padding_idx` (left out of the bag, and of the mean's
            denominator), `mask_zero` (which without `padding_idx` leaves out id 0), `max_norm`, `norm_type`,
            `scale_grad_by_freq` (over the whole call), `out_of_range` ...

    Input: integers (batch, time); a tf.RaggedTensor or tf.SparseTensor; (ids, offsets), as a pair or as two arguments.
    Output: (bags, output_dim).

    Raises:
        ValueError: an argument is outside its range, or `per_sample_weights` are given to "max".
    """

    _quantized_as_it_is = True
    _pools = True

    @takes_torchs_words(TORCHS_BAG)
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        combiner: Combiner = "mean",
        include_last_offset: bool = False,
        default_id: int | None = None,
        **kwargs: Any,
    ) -> None:
        if combiner not in ("sum", "mean", "max", "sqrtn"):
            raise ValueError(f"`combiner` must be 'sum', 'mean', 'max' or 'sqrtn'; got {combiner!r}. Choose one.")
        whole = isinstance(default_id, Integral) and not isinstance(default_id, bool)
        if default_id is not None and not (whole and 0 <= default_id < input_dim):
            raise ValueError(f"`default_id` must be in 0..{input_dim - 1}; got {default_id}. Use None for zeros.")
        self.combiner, self.include_last_offset, self.default_id = combiner, include_last_offset, default_id
        super().__init__(input_dim, output_dim, **kwargs)

    def call(self, inputs: BagInputs, per_sample_weights: BagWeights = None) -> Output:
        """Return one vector per bag.

        Args:
            inputs: the ids, in one of the forms above.
            per_sample_weights: one number per id, in the form of the ids; not for "max".
        """
        if per_sample_weights is not None and self.combiner == "max":
            raise ValueError("`per_sample_weights` must be None for combiner='max'; got weights. Use 'sum'.")
        inputs = self._map_ids(self._arrived, inputs)
        of = as_bags(inputs, per_sample_weights, self.include_last_offset)
        if leaves_nan(of.ids, self.out_of_range):
            of = self._watched_bags(of)
        padding = self._left_out()
        live = ops.ones_like(of.ids, "bool") if padding is None else of.ids != padding
        rows, ids, place = self._distinct(of.ids)  # at the table's dtype: a long sum in float16 stops growing
        if padding is not None:
            rows = ops.where((ids != padding)[:, None], rows, 0)  # a padding row may hold NaN
        out = combine(rows, place, of, live, self.combiner)
        if leaves_nan(of.ids, self.out_of_range):
            out = shielded(out, of.ids, self.input_dim, self.out_of_range)
        out = out if self.default_id is None else self._fill(out, _any(live, of))
        return ops.cast(out, self.compute_dtype)

    def _watched_bags(self, of: Bags) -> Bags:
        """Return `of`, watched for ids that name no row, of which neither table nor weights get NaN."""
        ids = watched(self, of.ids) if self.out_of_range == "raise" else of.ids
        weights = None if of.weights is None else shielded(of.weights, ids, self.input_dim, self.out_of_range)
        return replace(of, ids=ids, weights=weights)

    def _map_ids(self, function: Callable[[AnyIds], AnyIds], inputs: BagInputs) -> BagInputs:
        pair = isinstance(inputs, tuple | list) and len(inputs) == 2
        return (function(inputs[0]), inputs[1]) if pair else function(inputs)

    def _arguments(self, args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords]:
        return with_offsets(args, kwargs)

    def _left_out(self) -> int | None:
        """Return the id that counts in no bag: `padding_idx`, or 0 under `mask_zero`."""
        return self._masked if self.mask_zero else self.padding_idx

    def _fill(self, out: Rows, filled: Mask) -> Rows:
        """Return `out` with the default row where a bag is empty."""
        rows = self._rows(ops.full_like(filled, self.default_id, dtype="int32"))
        return ops.where(filled[:, None], out, rows)

    def compute_mask(self, inputs: BagInputs, previous_mask: Mask | None = None) -> None:
        """Return no mask: a bag has no time axis left to mask."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (bags, output_dim); shapes do not tell how many bags (ids, offsets) make."""
        pair = bool(input_shape) and isinstance(input_shape[0], tuple | list)
        return (None if pair else input_shape[0], self.output_dim)

    def compute_output_spec(self, inputs: BagInputs, per_sample_weights: BagWeights = None) -> keras.KerasTensor:
        """Return the spec of one vector per bag."""
        first = inputs[0] if isinstance(inputs, tuple | list) else inputs
        super().compute_output_spec(first)  # rejects ids that are not integers
        bags_known = None if isinstance(inputs, tuple | list) else first.shape[0]
        return keras.KerasTensor((bags_known, self.output_dim), dtype=self.compute_dtype)

    @classmethod
    def from_torch(cls, module: TorchModule, **kwargs: Any) -> Self:
        """Return a layer with the table and every argument of a `torch.nn.EmbeddingBag`."""
        own = {"combiner": module.mode, "include_last_offset": module.include_last_offset}
        return super().from_torch(module, **own, **kwargs)

    def _torch_class(self) -> tuple[Any, dict[str, Any]]:
        if self.combiner == "sqrtn" or self.default_id is not None:
            got = f"combiner={self.combiner!r}, default_id={self.default_id}"
            raise ValueError(f"`to_torch` must have a mode that PyTorch has, and no default_id; got {got}. Use 'mean'.")
        own = {"mode": self.combiner, "include_last_offset": self.include_last_offset}
        return sys.modules["torch"].nn.EmbeddingBag, own

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        own = ("combiner", "include_last_offset", "default_id")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
