"""Lookups and one-hot products in PyTorch, Keras and Paddle: rows, and the gradients of two upstreams."""

from collections.abc import Mapping
from typing import Any


def torch_embedding(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.Embedding with a dense gradient."""
    import torch

    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    out = {}
    for name, upstream in (("gradient", x["upstream"]), ("gradient, integers", x["upstream_integers"])):
        layer = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False, padding_idx=padding)
        out["forward"] = layer(x["ids"])
        out["forward"].backward(upstream)
        out[name] = layer.weight.grad
    return out


def keras_embedding(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.Embedding on whichever backend runs."""
    from tf_emb.layers import Embedding

    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    layer = Embedding(*x["table"].shape, padding_idx=padding, dtype=dtype_of(x))
    layer.build()
    return _gradients(layer, layer.embeddings, x)


def torch_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.Linear(bias=False) on one_hot vectors; its weight is the transposed table."""
    import torch

    vocab, dim = x["table"].shape
    layer = torch.nn.Linear(vocab, dim, bias=False, dtype=x["table"].dtype, device=x["table"].device)
    layer.weight.data = x["table"].T.contiguous()

    def forward() -> Any:
        return layer(torch.nn.functional.one_hot(x["ids"], vocab).to(x["table"].dtype))

    out = {}
    for name, upstream in (("gradient", x["upstream"]), ("gradient, integers", x["upstream_integers"])):
        layer.weight.grad = None
        out["forward"] = forward()
        out["forward"].backward(upstream)
        assert layer.weight.grad is not None
        out[name] = layer.weight.grad.T
    lookup = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False)
    return {
        **out,
        "cost:one-hot": lambda: forward().backward(x["upstream"]),
        "cost:lookup": lambda: lookup(x["ids"]).backward(x["upstream"]),
    }


def keras_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.OneHotDense on whichever backend runs."""
    from tf_emb.layers import OneHotDense

    layer = OneHotDense(*x["table"].shape, dtype=dtype_of(x))
    layer.build()
    return _gradients(layer, layer.kernel, x)


def timed_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """The same on TensorFlow, and what its step costs beside that of a lookup, both in a tf.function."""
    import tensorflow as tf

    from tf_emb.layers import Embedding, OneHotDense

    def cost(layer: Any) -> Any:
        layer.build()

        def step() -> Any:
            with tf.GradientTape() as tape:
                rows = layer(x["ids"])
            return tape.gradient(rows, layer.trainable_weights[0].value, x["upstream"])

        return tf.function(step)

    timed = {
        "one-hot": OneHotDense(*x["table"].shape, dtype=dtype_of(x)),
        "lookup": Embedding(*x["table"].shape, dtype=dtype_of(x)),
    }
    return keras_one_hot(x) | {f"cost:{name}": cost(layer) for name, layer in timed.items()}


def paddle_embedding(x: Mapping[str, Any]) -> dict[str, Any]:
    """paddle.nn.functional.embedding with a dense gradient."""
    from paddle.nn.functional import embedding

    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    return _paddle_gradients(lambda table: embedding(x["ids"], table, padding_idx=padding), x)


def paddle_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """A product of one-hot vectors with the table."""
    from paddle.nn.functional import linear, one_hot

    return _paddle_gradients(lambda table: linear(one_hot(x["ids"], table.shape[0]).astype(table.dtype), table), x)


def _paddle_gradients(forward: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    import paddle

    out = {}
    for name, upstream in (("gradient", x["upstream"]), ("gradient, integers", x["upstream_integers"])):
        table = x["table"].clone()
        table.stop_gradient = False
        out["forward"] = forward(table)
        paddle.autograd.backward([out["forward"]], [upstream])
        out[name] = table.grad
    return out


def dtype_of(x: Mapping[str, Any]) -> str:
    """The dtype under test."""
    import keras

    return keras.backend.standardize_dtype(x["table"].dtype)


def _gradients(layer: Any, table: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    from tf_emb.parity.engines.pullback import pull_back

    table.assign(x["table"])
    rows, (gradient,) = pull_back(layer, [table], x["upstream"], x["ids"])
    _, (integers,) = pull_back(layer, [table], x["upstream_integers"], x["ids"])
    return {"forward": rows, "gradient": gradient, "gradient, integers": integers}
