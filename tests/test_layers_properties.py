"""Embedding and EmbeddingBag against loops in NumPy, on shapes and ids that nobody chose."""

from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_emb.layers import Embedding, EmbeddingBag

PROPERTY = settings(max_examples=30, deadline=None, derandomize=True)
FLOATS = st.sampled_from(["float16", "float32", "float64"])
INTEGERS = st.sampled_from(["int8", "uint8", "int16", "int32", "uint32", "int64"])


def whole(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Return integers of at most 8 in size: their sums here are exact in every dtype, in any order."""
    return np.random.default_rng(seed).integers(-8, 9, shape).astype(dtype)


@st.composite
def lookups(draw: Any) -> dict[str, Any]:
    vocab, dim = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    count = int(np.prod(shape))
    ids = draw(st.lists(st.integers(0, vocab - 1), min_size=count, max_size=count))
    dtype, seed = draw(FLOATS), draw(st.integers(0, 99))
    return {
        "ids": np.array(ids, draw(INTEGERS)).reshape(shape),
        "table": whole(seed, (vocab, dim), dtype),
        "upstream": whole(seed + 1, (*shape, dim), dtype),
        "padding_idx": draw(st.none() | st.integers(-vocab, vocab - 1)),
    }


def pull(layer: Embedding, inputs: Any, upstream: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with tf.GradientTape() as tape:
        out = layer(inputs)
    gradient = tape.gradient(out, layer.trainable_variables, [tf.constant(upstream)])[0]
    return out.numpy(), tf.convert_to_tensor(gradient).numpy()


@PROPERTY
@given(lookups())
def test_an_embedding_is_a_gather_and_its_gradient_a_scatter(x: dict[str, Any]) -> None:
    table, ids, padding_idx = x["table"], x["ids"], x["padding_idx"]
    layer = Embedding(*table.shape, weights=table, padding_idx=padding_idx, dtype=table.dtype.name)
    out, gradient = pull(layer, ids, x["upstream"])
    expected = np.zeros_like(table)
    np.add.at(expected, ids, x["upstream"])
    if padding_idx is not None:
        expected[padding_idx] = 0
    np.testing.assert_array_equal(out, table[ids], strict=True)
    np.testing.assert_array_equal(gradient, expected, strict=True)


@st.composite
def bags(draw: Any) -> dict[str, Any]:
    vocab, dim = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=5))
    ids = draw(st.lists(st.integers(0, vocab - 1), min_size=sum(lengths), max_size=sum(lengths)))
    dtype, seed = draw(FLOATS), draw(st.integers(0, 99))
    return {
        "ids": np.array(ids, draw(INTEGERS)),
        "ends": np.cumsum([0, *lengths]),
        "table": whole(seed, (vocab, dim), dtype),
        "upstream": whole(seed + 1, (len(lengths), dim), dtype),
        "padding_idx": draw(st.none() | st.integers(0, vocab - 1)),
        "combiner": draw(st.sampled_from(["sum", "mean", "max"])),
    }


def loop(x: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each bag gives, and the table's gradient in float64."""
    table, upstream = x["table"], x["upstream"]
    out, gradient = np.zeros_like(upstream), np.zeros(table.shape)
    for b, (start, end) in enumerate(zip(x["ends"][:-1], x["ends"][1:], strict=True)):
        live = [int(i) for i in x["ids"][start:end] if i != x["padding_idx"]]
        if not live:
            continue
        count = table.dtype.type(len(live) if x["combiner"] == "mean" else 1)
        if x["combiner"] == "max":
            out[b] = table[live].max(0)
            np.add.at(gradient, (np.take(live, table[live].argmax(0)), np.arange(table.shape[1])), upstream[b])
        else:
            out[b] = table[live].sum(0) / count
            np.add.at(gradient, live, upstream[b] / np.float64(count))
    return out, gradient


@PROPERTY
@given(bags(), st.booleans())
def test_a_bag_is_a_loop_over_bags(x: dict[str, Any], csr: bool) -> None:
    table = x["table"]
    layer = EmbeddingBag(
        *table.shape,
        weights=table,
        padding_idx=x["padding_idx"],
        combiner=x["combiner"],
        include_last_offset=csr,
        dtype=table.dtype.name,
    )
    out, gradient = pull(layer, (x["ids"], x["ends"] if csr else x["ends"][:-1]), x["upstream"])
    want, want_gradient = loop(x)
    # Sums are exact; a mean is one division, which both round alike.
    np.testing.assert_array_equal(out, want, strict=True)
    # Of at most 25 places, each |upstream| <= 8 divided once: as many additions may round.
    bound = 0 if x["combiner"] != "mean" else 25 * 26 * 8 * np.finfo(table.dtype).eps / 2
    np.testing.assert_allclose(gradient, want_gradient, rtol=0, atol=bound)
    if x["padding_idx"] is not None:
        assert not np.any(gradient[x["padding_idx"]])
