"""Exact training in PyTorch, and with tf_emb's ExactTrainer."""

from collections.abc import Mapping
from typing import Any

from compare.cases.word2vec.exact.oracle import FIRST


def run_keras(x: Mapping[str, Any], loss: str, divided: bool) -> dict[str, Any]:
    """ExactTrainer, and a GradientTape over the loss of its first examples."""
    import tensorflow as tf

    from tf_emb.word2vec import ExactTrainer, Examples, example_loss

    tables = [tf.Variable(x[f"initial {side}"]) for side in ("input", "output")]
    counts = x["counts"].numpy()
    trainer = ExactTrainer(tables, example_loss(loss, counts), cbow_gradient="exact" if divided else "word2vec.c")
    with tf.GradientTape() as tape:
        total = tf.add_n([trainer.loss(x["context"][p], x["target"][p], x["noise"][p]) for p in range(FIRST)])
    of_input, of_output = (tf.convert_to_tensor(g) for g in tape.gradient(total, tables))
    examples = Examples(*(x[name].numpy() for name in ("context", "target", "noise", "rate")))
    losses = trainer.train(examples, x["rate"].numpy())
    return {
        "input gradient": of_input,
        "output gradient": of_output,
        "loss": losses,
        "input": tables[0],
        "output": tables[1],
    }


def run_torch(x: Mapping[str, Any], loss: str, divided: bool) -> dict[str, Any]:
    """Autograd of the written loss, and torch.optim.SGD."""
    import torch

    start = [x[f"initial {side}"].clone().requires_grad_() for side in ("input", "output")]
    keys = all_keys(x, loss)
    sum(example(start, x, keys, p, loss, divided) for p in range(FIRST)).backward()
    tables = [x[f"initial {side}"].clone().requires_grad_() for side in ("input", "output")]
    optimizer = torch.optim.SGD(tables, lr=0.0)
    losses = torch.zeros(len(keys), dtype=tables[0].dtype, device=tables[0].device)
    rates = x["rate"].tolist()
    for p in range(len(keys)):
        optimizer.zero_grad()
        nats = example(tables, x, keys, p, loss, divided)
        nats.backward()
        optimizer.param_groups[0]["lr"] = rates[p]
        optimizer.step()
        losses[p] = nats.detach()
    return {
        "input gradient": start[0].grad,
        "output gradient": start[1].grad,
        "loss": losses,
        "input": tables[0],
        "output": tables[1],
    }


def example(tables: list[Any], x: Mapping[str, Any], keys: list[Any], p: int, loss: str, divided: bool) -> Any:
    """The loss of one example; `divided` False multiplies what flows back into the mean by its number of words."""
    from torch.nn.functional import cross_entropy, embedding, logsigmoid

    context = x["context"][p]
    rows = embedding(context[context >= 0], tables[0])
    hidden = rows.mean(0)
    if not divided:
        hidden = undivided(rows)
    if loss == "full-softmax":
        return cross_entropy(tables[1] @ hidden, x["target"][p])
    ids, sign = keys[p]
    return -logsigmoid(sign * (embedding(ids, tables[1]) @ hidden)).sum()


def undivided(rows: Any) -> Any:
    """The mean of rows whose gradient reaches each row whole."""
    import torch

    class Mean(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, values: Any) -> Any:
            return values.mean(0)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return upstream.expand(len(rows), -1)

    return Mean.apply(rows)


def all_keys(x: Mapping[str, Any], loss: str) -> list[Any]:
    """Ids and signs of every example's output rows; word2vec.c's tree, joined from a sorted list."""
    import torch

    device, dtype = x["initial output"].device, x["initial output"].dtype
    targets, noise = x["target"].tolist(), x["noise"].tolist()
    if loss == "full-softmax":
        return [None] * len(targets)
    if loss == "hierarchical-softmax":
        paths = tree(x["counts"].tolist())
        pairs = [paths[target] for target in targets]
    else:
        left = [[k for k in words if k != o] for o, words in zip(targets, noise, strict=True)]
        pairs = [([o, *ks], [1, *[-1] * len(ks)]) for o, ks in zip(targets, left, strict=True)]
    return [(torch.tensor(ids, device=device), torch.tensor(sign, dtype=dtype, device=device)) for ids, sign in pairs]


def tree(counts: list[int]) -> list[tuple[list[int], list[int]]]:
    """Nodes and signs from the root, by two queues as word2vec.c joins them: words from the rarest, nodes as made."""
    vocab = len(counts)
    weight = [*counts, *[0] * (vocab - 1)]
    words, nodes = list(range(vocab)), list[int]()
    up: dict[int, tuple[int, int]] = {}
    for made in range(vocab, 2 * vocab - 1):
        for sign in (1, -1):
            rarer = words and (not nodes or weight[words[-1]] < weight[nodes[0]])
            child = words.pop() if rarer else nodes.pop(0)
            up[child] = (made, sign)
            weight[made] += weight[child]
        nodes.append(made)
    paths = []
    for word in range(vocab):
        path, at = list[tuple[int, int]](), word
        while at in up:
            at, sign = up[at]
            path.insert(0, (at - vocab, sign))
        paths.append(([n for n, _ in path], [s for _, s in path]))
    return paths
