"""GloVe with tf_emb.methods, and in PyTorch with sparse tensors, autograd and torch.optim.Adagrad."""

from collections.abc import Mapping
from typing import Any

from tf_emb.parity.engines import pullback


def counts_tf_emb(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.cooccurrence, in pieces shorter than the text, so that they are merged."""
    import tensorflow as tf

    from tf_emb.methods.cooccurrence import cooccurrences

    found = cooccurrences(x["ids"].numpy(), x["vocab"], window=x["window"], piece=37)
    keys = found.row.astype("int64") * x["vocab"] + found.column
    return {"cells": tf.constant(keys), "values": tf.constant(found.value, x["unit"].dtype)}


def counts_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Pairs of every distance, added up by a sparse tensor."""
    import torch

    ids, vocab, at, weights = x["ids"].long(), x["vocab"], [], []
    sentence = torch.cumsum(ids < 0, 0)
    for d in range(1, x["window"] + 1):
        near = (ids[:-d] >= 0) & (ids[d:] >= 0) & (sentence[:-d] == sentence[d:])
        pair = torch.stack([ids[:-d][near], ids[d:][near]])
        at += [pair, pair.flip(0)]
        weights += [torch.full((2 * pair.shape[1],), 1 / d, dtype=x["unit"].dtype)]
    total = torch.sparse_coo_tensor(torch.cat(at, 1), torch.cat(weights), (vocab, vocab)).coalesce()
    row, column = total.indices()
    return {"cells": row * vocab + column, "values": total.values()}


def steps_tf_emb(x: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients and training steps of tf_emb.methods.glove, eagerly or in a graph."""
    import tensorflow as tf

    from tf_emb.methods import glove

    dtype, dim = x["w"].dtype, x["w"].shape[1]
    one = tf.ones((x["w"].shape[0], 1), dtype)
    sides = tf.concat([x["w"], x["b"][:, None], one], 1), tf.concat([x["c"], one, x["d"][:, None]], 1)
    tables = tuple(tf.Variable(of) for of in (*sides, *map(tf.ones_like, sides)))
    rate = glove.rates(dim, x["rate"], dtype)
    f = glove.weights(x["X"].numpy(), x_max=x["x_max"], alpha=x["alpha"])
    cells = [(x["row"][i], x["column"][i], tf.math.log(x["X"][i]), tf.constant(f[i])) for i in range(len(f))]
    wrap = tf.function if pullback.MODE == "graph" else lambda function: function
    loss, left, right = wrap(lambda *cell: glove.slopes(*sides, *cell))(*cells[0])
    out = {"f": tf.constant(f), "loss": tf.reshape(loss, [1])}
    out |= {f"dE/d{name}": of for name, of in _parts(left, right, dim).items()}
    step = wrap(lambda *cell: glove.take_step(tables, rate, *cell))
    for cell in cells:
        step(*cell)
    out |= {f"{name} after": of for name, of in _parts(tables[0], tables[1], dim).items()}
    return out | {f"a of {name} after": of for name, of in _parts(tables[2], tables[3], dim).items()}


def _parts(left: Any, right: Any, dim: int) -> dict[str, Any]:
    """The columns under the names of the case."""
    return {"w": left[:, :dim], "c": right[:, :dim], "b": left[:, dim], "d": right[:, dim + 1]}


def steps_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """With a_torch = a / rate^2 and a rate of 1, torch's g / sqrt(a_torch) is rate g / sqrt(a)."""
    import torch

    s = {name: x[name].clone().requires_grad_() for name in "wcbd"}
    scale = {"w": x["rate"], "c": x["rate"], "b": 1.0, "d": 1.0}
    f = (x["X"] / x["x_max"]).clamp(max=1) ** x["alpha"]

    def loss(i: int) -> Any:
        row, column = x["row"][i].long(), x["column"][i].long()
        far = (s["w"][row] * s["c"][column]).sum(1) + s["b"][row] + s["d"][column] - x["X"][i].log()
        return (f[i] * far**2).sum() / 2

    first = loss(0)
    slopes = torch.autograd.grad(first, list(s.values()))
    out = {"f": f, "loss": first.reshape(1)} | {f"dE/d{n}": g for n, g in zip(s, slopes, strict=True)}
    optimizers = {
        n: torch.optim.Adagrad([p], 1.0, initial_accumulator_value=scale[n] ** -2, eps=0) for n, p in s.items()
    }
    for i in range(len(f)):
        for optimizer in optimizers.values():
            optimizer.zero_grad()
        loss(i).backward()
        for optimizer in optimizers.values():
            optimizer.step()
    out |= {f"{name} after": value.detach() for name, value in s.items()}
    return out | {f"a of {n} after": optimizers[n].state[s[n]]["sum"] * scale[n] ** 2 for n in s}
