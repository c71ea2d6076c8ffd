"""PyTorch as its users write word2vec: a DataLoader over pairs, nn.Embedding(sparse=True), SGD on the sum of losses.

The mean over a batch, at a rate meant for single pairs, would learn nothing; so the losses are summed. With the full
softmax: F.cross_entropy on the product with the whole output table, and dense gradients.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from compare.bench.word2vec.contenders import refuse
from compare.bench.word2vec.task import Prepared, Task
from compare.bench.word2vec.text import Pairs, bags, draw_pairs

BATCH = 256  # pairs; larger ones diverge, since their losses are summed
SOFTMAX_BATCH = 768  # as many as the centres in one of our steps
RATE = 0.025


def prepare(task: Task) -> Prepared:
    """Draw the pairs and build the model."""
    import torch

    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    if task.loss == "hierarchical-softmax" or (task.loss == "full-softmax" and task.model == "cbow"):
        raise refuse(task)
    pairs = draw_pairs(task)
    dense = task.loss == "full-softmax"
    tables = _tables(len(pairs.vocabulary), task, sparse=not dense)
    loss = _softmax(tables) if dense else _sampling(tables, pairs, task)
    data = torch.utils.data.TensorDataset(*map(torch.from_numpy, _examples(pairs, task)))
    size = SOFTMAX_BATCH if dense else BATCH
    loader = torch.utils.data.DataLoader(data, batch_size=size, shuffle=True)
    _train([next(iter(loader))], loss, tables, epochs=1, rate=0.0)  # loads what PyTorch loads in its first step
    return Prepared(
        train=lambda: _train(loader, loss, tables, task.epochs),
        save=lambda path: _save(pairs, tables[0], path),
        raw_words=pairs.words * task.epochs,
        version=f"torch {torch.__version__}",
    )


def _examples(pairs: Pairs, task: Task) -> tuple[np.ndarray, np.ndarray]:
    return (pairs.centers, pairs.contexts) if task.model == "skipgram" else bags(pairs, task.window)


def _tables(vocab: int, task: Task, sparse: bool) -> tuple[Any, Any]:
    """Return the input table, whose last row pads a CBOW context, and the output table."""
    import torch

    cbow = task.model == "cbow"
    kind: Any = torch.nn.EmbeddingBag if cbow else torch.nn.Embedding
    given: dict[str, Any] = {"mode": "mean", "padding_idx": vocab} if cbow else {}
    inputs = kind(vocab + cbow, task.dim, sparse=sparse, **given)
    torch.nn.init.uniform_(inputs.weight, -0.5 / task.dim, 0.5 / task.dim)
    outputs = torch.nn.Embedding(vocab, task.dim, sparse=sparse)
    torch.nn.init.zeros_(outputs.weight)
    return inputs, outputs


def _sampling(tables: tuple[Any, Any], pairs: Pairs, task: Task) -> Callable[[Any, Any], Any]:
    import torch
    from torch.nn.functional import logsigmoid

    from tf_emb.corpus import noise_distribution

    inputs, outputs = tables
    noise = torch.from_numpy(noise_distribution(pairs.vocabulary.counts))

    def loss(given: Any, target: Any) -> Any:
        hidden = inputs(given)
        drawn = torch.multinomial(noise, len(target) * task.negatives, replacement=True).view(len(target), -1)
        right = (hidden * outputs(target)).sum(1)
        wrong = torch.bmm(outputs(drawn), hidden.unsqueeze(2)).squeeze(2)
        return -(logsigmoid(right).sum() + logsigmoid(-wrong).sum())

    return loss


def _softmax(tables: tuple[Any, Any]) -> Callable[[Any, Any], Any]:
    from torch.nn.functional import cross_entropy

    inputs, outputs = tables
    return lambda given, target: cross_entropy(inputs(given) @ outputs.weight.T, target, reduction="sum")


def _train(
    loader: Any, loss: Callable[[Any, Any], Any], tables: tuple[Any, Any], epochs: int, rate: float = RATE
) -> None:
    import torch

    optimizer = torch.optim.SGD([of.weight for of in tables], lr=rate)
    steps = len(loader) * epochs
    decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(1 - step / steps, 1e-4))
    for _ in range(epochs):
        for given, target in loader:
            optimizer.zero_grad()
            loss(given, target).backward()
            optimizer.step()
            decay.step()


def _save(pairs: Pairs, inputs: Any, path: Any) -> None:
    from tf_emb.vectors import Vectors, save_vectors

    save_vectors(path, Vectors(pairs.vocabulary.words, inputs.weight.detach().numpy()[: len(pairs.vocabulary)]))
