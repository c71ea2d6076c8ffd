"""A step by blocks with tf_emb's objectives and `take_step`, and in PyTorch by masks over whole blocks."""

from collections.abc import Mapping
from typing import Any

from tf_emb.parity.engines import pullback


def run_tensorflow(x: Mapping[str, Any]) -> dict[str, Any]:
    """Eagerly or in a graph: the gradients of the objective, and the step that training takes."""
    import tensorflow as tf

    from tf_emb.word2vec.blocks.step import take_step

    of, at = objective(x)
    start = [x["input table"], x["output table"]]
    tables = tuple(tf.Variable(table) for table in start)

    def gradients() -> list[Any]:
        loss, count, *both = slopes(of, at, start)
        return [tf.reshape(loss, [1]), tf.cast(tf.reshape(count, [1]), tf.int64), *both]

    def step() -> Any:
        return take_step(of, tables, at, tf.constant(x["rate"], start[0].dtype), x["limit"])[0]

    graph = pullback.MODE == "graph"
    loss, count, of_input, of_output = (tf.function(gradients) if graph else gradients)()
    again = (tf.function(step) if graph else step)()
    tf.debugging.assert_equal(loss[0], again)
    return {
        "loss": loss,
        "count": count,
        "input gradient": of_input,
        "output gradient": of_output,
        "input": tables[0],
        "output": tables[1],
    }


def objective(x: Mapping[str, Any]) -> tuple[Any, Any]:
    """The objective of the case, and its step of a stream."""
    from tf_emb.word2vec import Options
    from tf_emb.word2vec.blocks.sampling import CbowSampling, SkipGramSampling
    from tf_emb.word2vec.blocks.stream import Stream

    blocks, block = x["radius"].shape
    options = Options(
        model="cbow" if x["cbow"] else "skipgram",
        dim=x["input table"].shape[1],
        window=x["window"],
        block=block,
        blocks=blocks,
        shared_noise=x["noise"].shape[1],
        negatives=x["negatives"],
        limit=x["limit"],
        forward_only=bool(x["forward"]),
        cbow_gradient="word2vec.c" if x["undivided"] else "exact",
    )
    left, right = sides(x, options)
    at = Stream(x["keys"], left, right, x["noise"])
    return (CbowSampling if x["cbow"] else SkipGramSampling)(options), at


def sides(x: Mapping[str, Any], options: Any) -> list[Any]:
    """How far every window reaches to the left and right, as a chunk of text has it: blocks are its sentences."""
    import tensorflow as tf

    from tf_emb.word2vec.blocks.stream import reach, sentences

    text = tf.pad(x["keys"], [[0, 0], [0, 1]], constant_values=-1)  # a block does not reach into the next one
    _, *room = sentences(tf.reshape(text, [-1]))
    word = tf.where(text >= 0)
    before, behind = [tf.scatter_nd(word, of, tf.shape(text, tf.int64))[:, options.window :] for of in room]
    block, radius = options.block, x["radius"]
    live = tf.cast(x["keys"][:, options.window : options.window + block] >= 0, tf.int32)
    return [side * live for side in reach(radius, before[:, :block], behind[:, :block], options)]


def slopes(of: Any, at: Any, tables: list[Any]) -> list[Any]:
    """Loss, count, and the gradients of the loss with respect to whole tables."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tables)
        loss, count = of.loss(*map(tf.gather, tables, of.ids(at)), at)
    return [loss, count, *map(tf.convert_to_tensor, tape.gradient(loss, tables))]


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Autograd of the loss over all (centre, place) products of a block, masked."""
    import torch
    from torch.nn.functional import logsigmoid

    inputs, outputs = (x[f"{side} table"].clone().requires_grad_() for side in ("input", "output"))
    near, w = mask(x), x["window"]
    words = x["keys"].clamp(min=0).long()
    centers, noise = words[:, w:-w], x["noise"].long()
    n, share = near.sum(2), x["negatives"] / x["noise"].shape[1]
    if x["cbow"]:
        hidden, times = context_mean(near, inputs[words], bool(x["undivided"])), (n > 0).to(inputs.dtype)
        total = -(times * logsigmoid((hidden * outputs[centers]).sum(2))).sum()
    else:
        hidden, times = inputs[centers], n
        total = -(near * logsigmoid(hidden @ outputs[words].transpose(1, 2))).sum()
    total = total - share * (times[:, :, None] * logsigmoid(-hidden @ outputs[noise].transpose(1, 2))).sum()
    total.backward()
    ids = (words, torch.cat([centers, noise], 1)) if x["cbow"] else (centers, torch.cat([words, noise], 1))
    after = [
        limited(table, places, x["rate"], x["limit"]) for table, places in zip((inputs, outputs), ids, strict=True)
    ]
    return {
        "loss": total[None],
        "count": times.sum()[None].long(),
        "input gradient": inputs.grad,
        "output gradient": outputs.grad,
        "input": after[0],
        "output": after[1],
    }


def mask(x: Mapping[str, Any]) -> Any:
    """1 where a place is in the window of a centre, shape (blocks, block, places), the dtype of the tables."""
    import torch

    w, places = x["window"], x["keys"].shape[1]
    ahead = torch.arange(places)[None, :] - torch.arange(w, places - w)[:, None]
    ahead = ahead.to(x["keys"].device)
    near = (ahead.abs() <= x["radius"][:, :, None]) & ((ahead > 0) if x["forward"] else (ahead != 0))
    near = near & (x["keys"][:, None, :] >= 0) & (x["keys"][:, w:-w, None] >= 0)
    near = near & (x["sentence"][:, None, :] == x["sentence"][:, w:-w, None])
    return near.to(x["input table"].dtype)


def context_mean(near: Any, rows: Any, undivided: bool) -> Any:
    """The mean around every centre; undivided, the gradient is that of the sum and the value that of the mean."""
    total, n = near @ rows, near.sum(2, keepdim=True).clamp(min=1)
    if not undivided:
        return total / n
    import torch

    class Mean(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, sums: Any) -> Any:
            return sums / n

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return upstream

    return Mean.apply(total)


def limited(table: Any, ids: Any, rate: float, limit: float) -> Any:
    """The table after a step whose rows are limited by their places."""
    count = ids.flatten().bincount(minlength=len(table)).clamp(min=1).to(table.dtype)
    return table.detach() - rate * (limit / count).clamp(max=1)[:, None] * table.grad
