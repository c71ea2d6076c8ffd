"""The words of `torch.nn.Embedding` and `torch.nn.EmbeddingBag`, put into ours before a layer sees them.

Every word of theirs is taken, or refused with what to do instead; docs/semantics.md has the table. A layer's
attributes, its configuration and the files that hold it know our words alone.
"""

import functools
import inspect
from collections.abc import Callable
from numbers import Real
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from tf_emb.layers.id_inputs import Arguments, Keywords

Argument: TypeAlias = Any
Constructor: TypeAlias = Callable[..., None]
Matrix: TypeAlias = Any  # shape (vocab, dim): an array or a tensor of any library, or nested lists

TORCHS_EMBEDDING = {"num_embeddings": "input_dim", "embedding_dim": "output_dim", "_weight": "weights"}
TORCHS_BAG = {**TORCHS_EMBEDDING, "mode": "combiner"}
# The arguments of keras.layers.Embedding that may be given without their names, after the two sizes.
POSITIONAL = [
    name
    for name, parameter in inspect.signature(keras.layers.Embedding.__init__).parameters.items()
    if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and name not in ("self", "input_dim", "output_dim")
]


def takes_torchs_words(words: dict[str, str]) -> Callable[[Constructor], Constructor]:
    """Let a constructor be given PyTorch's words for its arguments.

    Args:
        words: PyTorch's word for each of ours.

    Raises:
        TypeError: one thing is given under both names, or an argument is one that only PyTorch has.
    """

    def decorate(constructor: Constructor) -> Constructor:
        @functools.wraps(constructor)
        def construct(self: keras.Layer, *args: Any, **kwargs: Any) -> None:
            given = {"input_dim": None, "output_dim": None} if len(args) > 1 else {"input_dim": None} if args else {}
            constructor(self, *args[:2], **in_our_words(words, args[2:], kwargs, given))

        # Keras asks for it in two ways, of which one follows no wrapper.
        construct.__signature__ = inspect.signature(constructor)  # type: ignore[attr-defined]
        return construct

    return decorate


def in_our_words(words: dict[str, str], more: Arguments, kwargs: Keywords, given: Keywords) -> Keywords:
    """Return all arguments by our names, each once.

    Args:
        words: PyTorch's word for each of ours.
        more: what is given without names after the two sizes, in the order of keras.layers.Embedding.
        kwargs: what is given by name.
        given: the sizes that are given without names.
    """
    if more and isinstance(more[0], Real):
        raise TypeError(
            f"The third argument must be `embeddings_initializer`, as in Keras; got {more[0]}. "
            f"Name PyTorch's: padding_idx={more[0]} or max_norm={more[0]}."
        )
    if len(more) > len(POSITIONAL):
        raise TypeError(
            f"At most {len(POSITIONAL) + 2} arguments may go without a name; got {len(more) + 2}. Name them."
        )
    ours = dict(zip(POSITIONAL, more, strict=False))
    for name, value in kwargs.items():
        own, value = _one(words, name, value)
        if own == "device":
            continue
        if own in ours or own in given:
            other = next((word for word in kwargs if words.get(word, word) == own and word != name), own)
            raise TypeError(f"`{name}` and `{other}` must not both be given; they are one thing. Give `{own}` alone.")
        ours[own] = value
    if ours.get("weights") is not None:
        ours["weights"] = as_table(ours["weights"])
    return ours


def _one(words: dict[str, str], name: str, value: Argument) -> tuple[str, Argument]:
    """Return our name and value of one argument."""
    if name == "_freeze":
        return "trainable", not value
    if name == "device" and value is not None:
        raise TypeError(f"`device` must be None; got {value!r}. Create the layer under keras.device({str(value)!r}).")
    if name == "dtype" and str(value).startswith("torch."):
        return name, str(value).removeprefix("torch.")
    return words.get(name, name), value


def as_table(weights: Matrix) -> Matrix:
    """Return `weights`, of whatever kind, as a NumPy array; a list that holds one table as that table.

    Args:
        weights: an array, a tensor of any library that may require a gradient, nested lists, or one of these in a list.
    """
    if isinstance(weights, list | tuple) and len(weights) == 1 and len(np.shape(_array(weights[0]))) == 2:
        weights = weights[0]
    return _array(weights)


def _array(values: Matrix) -> np.ndarray:
    if hasattr(values, "detach"):  # PyTorch's: NumPy takes none that requires a gradient, nor bfloat16
        values = values.detach().cpu()
        values = values.float().numpy() if str(values.dtype) == "torch.bfloat16" else values.numpy()
    return np.asarray(ops.convert_to_numpy(values) if isinstance(values, keras.Variable) else values)


def with_offsets(args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords]:
    """Return the arguments of a call of PyTorch's EmbeddingBag, (input, offsets, per_sample_weights), as ours are.

    A second argument without a name is offsets if it is of integers and one axis, beside ids of one axis.

    Raises:
        TypeError: offsets are given twice.
    """
    kwargs = dict(kwargs)
    if not args and not {"input", "inputs"} & set(kwargs):
        return args, kwargs  # Keras says what is missing
    inputs = args[0] if args else kwargs.pop("input", None) if "input" in kwargs else kwargs.pop("inputs")
    more = list(args[1:])
    offsets = kwargs.pop("offsets", None)
    if more and (len(more) > 1 or _are_offsets(inputs, more[0])):
        if offsets is not None:
            raise TypeError("`offsets` must be given once; got them with and without their name. Leave one out.")
        offsets = more.pop(0)
    if offsets is not None:
        if isinstance(inputs, tuple | list):
            raise TypeError("`offsets` must be given once; `inputs` are (ids, offsets) already. Leave one out.")
        inputs = (inputs, offsets)
    return (inputs, *more), kwargs


def _are_offsets(inputs: Argument, second: Argument) -> bool:
    flat = all(_has_one_axis(value) for value in (inputs, second))
    return flat and keras.backend.is_int_dtype(keras.backend.standardize_dtype(second.dtype))


def _has_one_axis(value: Argument) -> bool:
    shape = getattr(value, "shape", ())
    return getattr(shape, "rank", 0) is not None and len(shape) == 1  # TensorFlow may not know how many
