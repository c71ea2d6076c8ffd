"""Vectors of whole graphs: bags of Weisfeiler-Lehman subtrees, and documents that predict their words.

l_(i+1)(v) = number of (l_i(v), sorted l_i(u) of the neighbours u)           (Shervashidze et al. 2011, algorithm 1)
E = -log sigmoid(v_w . d) - sum_n log sigmoid(-v_n . d)                       (Narayanan et al. 2017, section 4)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.case import EXACT, Arrays, Case, Fault, running
from compare.engines import KERAS_TENSORFLOW
from compare.rounding import Rounded, contract, scatter_add

ROUNDS = 3
STEPS, BATCH, DIM, NEGATIVES = 12, 24, 12, 4


def draw_graphs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Graphs of networkx's atlas with 6 nodes, each beside a copy whose nodes are shuffled.

    The first two are a hexagon and two triangles, which no round tells apart; then a star and a path, which one does.
    """
    import networkx as nx

    first = [nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)), nx.star_graph(5),
             nx.path_graph(6)]  # fmt: skip
    atlas = [graph for graph in nx.graph_atlas_g() if len(graph) == 6]
    graphs = first + [atlas[i] for i in rng.choice(len(atlas), 40, replace=False)]
    edges = np.stack([nx.to_numpy_array(graph, dtype=np.int64) for graph in graphs])
    order = np.stack([rng.permutation(6) for _ in graphs])
    copies = edges[np.arange(len(graphs))[:, None, None], order[:, :, None], order[:, None, :]]
    return {"edges": np.concatenate([edges, copies]), "order": order}


def labels_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Labels of all rounds, the kernel of their bags, and which graphs agree with the hexagon."""
    labels = relabel(x["edges"])
    size = labels.max() + 1
    bags = np.stack([np.bincount(graph.ravel(), minlength=size) for graph in labels])
    half = len(x["order"])
    return {
        "labels": labels,
        "kernel": bags @ bags.T,
        "copy differs": np.abs(bags[:half] - bags[half:]).sum(axis=1),
        "differs from the hexagon": np.abs(bags - bags[0]).sum(axis=1),
    }


def relabel(edges: np.ndarray) -> np.ndarray:
    """Labels, shape (graphs, rounds + 1, nodes): by sorting rows of a node's label and its neighbours'."""
    count, nodes, _ = edges.shape
    now = np.zeros((count, nodes), np.int64)
    every = [now]
    for _ in range(ROUNDS):
        around = np.where(edges > 0, now[:, None, :], -1)
        around = -np.sort(-around, axis=2)
        # A shorter tuple comes first, so what is absent must be smaller than any label: ascending, then -1.
        filled = (around >= 0).sum(axis=2, keepdims=True)
        place = np.arange(nodes)
        ascending = np.take_along_axis(around, np.where(place < filled, filled - 1 - place, place), axis=2)
        rows = np.concatenate([now[:, :, None], ascending], axis=2).reshape(count * nodes, -1)
        rank = np.unique(rows, axis=0, return_inverse=True)[1].reshape(count, nodes)
        now = rank + every[-1].max() + 1
        every.append(now)
    return np.stack(every, axis=1)


def labels_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with torch.unique of rows."""
    import torch

    edges = x["edges"]
    count, nodes, _ = edges.shape
    now = torch.zeros((count, nodes), dtype=torch.int64)
    every, high = [now], 10**6
    for _ in range(ROUNDS):
        around = torch.sort(torch.where(edges > 0, now[:, None, :], high), dim=2).values
        around = torch.where(around == high, -1, around)
        rows = torch.cat([now[:, :, None], around], 2).reshape(count * nodes, -1)
        now = torch.unique(rows, dim=0, return_inverse=True)[1].reshape(count, nodes) + int(every[-1].max()) + 1
        every.append(now)
    labels = torch.stack(every, 1)
    bags = torch.nn.functional.one_hot(labels.reshape(count, -1)).sum(1)
    return summary(labels, bags, len(x["order"]))


def labels_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.subtrees, on networkx graphs."""
    import networkx as nx

    from tf_emb.methods.subtrees import subtree_bags, subtree_labels

    graphs = [nx.from_numpy_array(edges) for edges in np.asarray(x["edges"])]
    bags = subtree_bags(graphs, ROUNDS).toarray()
    return summary(np.stack(subtree_labels(graphs, ROUNDS)), bags, len(x["order"]))


def summary(labels: Any, bags: Any, half: int) -> dict[str, Any]:
    """Return the outputs of the case."""
    return {
        "labels": labels,
        "kernel": bags @ bags.T,
        "copy differs": abs(bags[:half] - bags[half:]).sum(1),
        "differs from the hexagon": abs(bags - bags[0]).sum(1),
    }


def draw_pairs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Subtrees of the atlas, shuffled, so that graphs and subtrees repeat in a batch; noise meets its word."""
    import networkx as nx

    from tf_emb.methods.subtrees import subtree_bags

    bags = subtree_bags([graph for graph in nx.graph_atlas_g() if len(graph) in (5, 6)], 1).tocoo()
    pairs = rng.permutation(np.repeat(np.stack([bags.row, bags.col]), bags.data, axis=1), axis=1)
    document, word = pairs[:, : STEPS * BATCH].reshape(2, STEPS, BATCH).astype(np.int64)
    noise = rng.integers(0, bags.shape[1], (STEPS, BATCH, NEGATIVES))
    noise[:, ::6, 1] = word[:, ::6]
    return {
        "documents": rng.normal(size=(bags.shape[0], DIM)) / 4,
        "words": rng.normal(size=(bags.shape[1], DIM)) / 4,
        "document": document,
        "word": word,
        "noise": noise,
        "rate": np.array(0.05),
    }


def pairs_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Losses of every step, the gradients of the first, and both tables after all."""
    documents, words = x["documents"], x["words"]
    losses = []
    for t in range(STEPS):
        loss, by_document, by_word = gradients(documents, words, x["document"][t], x["word"][t], x["noise"][t])
        if t == 0:
            first = {"document gradient": by_document, "word gradient": by_word}
        losses.append(loss)
        documents = documents - x["rate"] * by_document
        words = words - x["rate"] * by_word
    return {"loss": np.stack(losses), **first, "documents": documents, "words": words}


def gradients(
    documents: np.ndarray, words: np.ndarray, document: np.ndarray, word: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses of the pairs, and the gradients of their sum, one pair after the other."""
    losses, by_document, by_word = np.zeros(len(word), words.dtype), np.zeros_like(documents), np.zeros_like(words)
    for i, (g, target) in enumerate(zip(document, word, strict=True)):
        others = noise[i][noise[i] != target]
        keys = np.append(target, others)
        signs = np.append(1, -np.ones(len(others))).astype(words.dtype)
        margin = signs * (words[keys] @ documents[g])
        losses[i] = np.logaddexp(0, -margin).sum()
        slope = -signs / (1 + np.exp(margin))
        by_document[g] += slope @ words[keys]
        np.add.at(by_word, keys, slope[:, None] * documents[g])
    return losses, by_document, by_word


def pairs_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables, binary_cross_entropy_with_logits, and torch.optim.SGD."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, embedding

    tables = [x[name].clone().requires_grad_() for name in ("documents", "words")]
    optimizer = torch.optim.SGD(tables, lr=x["rate"])
    losses: list[Any] = []
    for t in range(STEPS):
        keys = torch.cat([x["word"][t][:, None], x["noise"][t]], 1)
        logits = torch.einsum("bd,bkd->bk", embedding(x["document"][t], tables[0]), embedding(keys, tables[1]))
        label = torch.zeros_like(logits)
        label[:, 0] = 1
        counted = (keys != keys[:, :1]).to(logits.dtype)
        counted[:, 0] = 1
        loss = binary_cross_entropy_with_logits(logits, label, weight=counted, reduction="none").sum(1)
        optimizer.zero_grad()
        loss.sum().backward()
        if not losses:
            first = [table.grad.clone() for table in tables]
        losses.append(loss)
        optimizer.step()
    return outputs(torch.stack(losses), first, tables)


def pairs_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.whole_graph's model and its step, with Keras' SGD."""
    import keras
    import tensorflow as tf

    from compare.engines.pullback import pull_back
    from tf_emb.methods.whole_graph import BagModel

    vocab, dim = x["words"].shape
    model = BagModel(len(x["documents"]), np.ones(vocab), dim, dtype=x["words"].dtype.name)
    tables = [model.documents.embeddings, model.words.embeddings]
    for table, start in zip(tables, (x["documents"], x["words"]), strict=True):
        table.assign(start)
    batches = [tuple(x[name][t] for name in ("document", "word", "noise")) for t in range(STEPS)]
    _, first = pull_back(model.pair_loss, tables, None, *batches[0])
    optimizer = keras.optimizers.SGD(x["rate"])
    optimizer.build(tables)
    step = tf.function(lambda *batch: model.step(optimizer, *batch))
    losses = [step(*batch) for batch in batches]
    return outputs(tf.stack(losses), first, tables)


def outputs(loss: Any, first: Any, tables: Any) -> dict[str, Any]:
    """Return the outputs of the case."""
    return {"loss": loss, "document gradient": first[0], "word gradient": first[1],
            "documents": tables[0], "words": tables[1]}  # fmt: skip


def envelope(x: Arrays, u: float) -> Arrays:
    """The oracle's steps again, in numbers that carry their errors."""
    documents, words = (Rounded.exact(x[name], u) for name in ("documents", "words"))
    losses, out = [], {}
    for t in range(STEPS):
        keys = np.concatenate([x["word"][t][:, None], x["noise"][t]], axis=1)
        counted = keys != keys[:, :1]
        counted[:, 0] = True
        d, v = documents[x["document"][t]], words[keys]
        logits, target = contract("bd,bkd->bk", d, v), np.eye(1, keys.shape[1])
        losses.append((logits * (1 - 2 * target)).softplus().where(counted).sum(axis=1).error)
        error = (logits.sigmoid() - target).where(counted)
        by_document = scatter_add(len(x["documents"]), x["document"][t], contract("bk,bkd->bd", error, v))
        by_word = scatter_add(len(x["words"]), keys, error[:, :, None] * d[:, None, :], counted)
        if t == 0:
            out = {"document gradient": by_document.error, "word gradient": by_word.error}
        documents, words = documents - by_document * x["rate"], words - by_word * x["rate"]
    return {"loss": np.stack(losses), **out, "documents": documents.error, "words": words.error}


WHY = (
    "running error analysis (compare/rounding.py) over {}: logits gamma(d), sigmoid K u, sums over places gamma(c - 1)"
)
CASES = [
    Case(
        name="subtree-labels",
        claim="Weisfeiler-Lehman labels; equal bags for isomorphic graphs, and for a hexagon and two triangles.",
        cite="Shervashidze et al. 2011, algorithms 1 and 2, definition 4",
        inputs=draw_graphs,
        oracle=labels_oracle,
        impls={"torch": labels_torch, "keras-tensorflow": labels_keras},
        bounds=dict.fromkeys(("labels", "kernel", "copy differs", "differs from the hexagon"), EXACT),
        faults={
            "own label left out": Fault("[now[:, :, None], ascending]", "[0 * now[:, :, None], ascending]"),
            "neighbours as a set": Fault("np.where(place < filled,", "np.where(place < np.minimum(filled, 1),"),
            "neighbours not sorted": Fault("-np.sort(-around, axis=2)", "around"),
            "numbered anew in every round": Fault("rank + every[-1].max() + 1", "rank"),
            "a round less": Fault("range(ROUNDS):", "range(ROUNDS - 1, 0, -1):"),
        },
        quick=True,
    ),
    Case(
        name="graph2vec",
        claim="Documents that predict their words: losses, gradients, and 12 steps of gradient descent.",
        cite="Narayanan et al. 2017, graph2vec, section 4; Le and Mikolov 2014, section 2.3",
        inputs=draw_pairs,
        oracle=pairs_oracle,
        impls={"torch": pairs_torch, **dict.fromkeys(KERAS_TENSORFLOW, pairs_keras)},
        bounds={
            "loss": running(WHY.format("every step so far") + "; softplus 2 K u"),
            "document gradient": running(WHY.format("one batch")),
            "word gradient": running(WHY.format("one batch")),
            "documents": running(WHY.format("every step")),
            "words": running(WHY.format("every step")),
        },
        faults={
            "noise equal to the word kept": Fault("noise[i][noise[i] != target]", "noise[i]"),
            "word treated as noise": Fault("np.append(1, -np.ones", "np.append(-1, -np.ones"),
            "noise treated as words": Fault("np.append(1, -np.ones", "np.append(1, np.ones"),
            "mean over the noise": Fault("np.logaddexp(0, -margin).sum()", "np.logaddexp(0, -margin).mean()"),
            "slope of the other sign": Fault("1 + np.exp(margin)", "1 + np.exp(-margin)"),
            "repeated documents counted once": Fault("by_document[g] += slope", "by_document[g] = slope"),
            "repeated noise counted once": Fault(
                "np.add.at(by_word, keys, slope[:, None] * documents[g])",
                "by_word[keys] += slope[:, None] * documents[g]",
            ),
            "mean over the batch": Fault('documents - x["rate"]', 'documents - x["rate"] / BATCH'),
        },
        envelope=envelope,
        quick=True,
    ),
]
