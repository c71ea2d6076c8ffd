"""Documents that predict their words: draws, oracles, engines, error analysis.

E = -log sigmoid(v_w . d) - sum_n log sigmoid(-v_n . d)                       (Narayanan et al. 2017, section 4)
E = sum over documents and words of (v_w . d - c_w)^2                         (Eckart and Young 1936)
V = the first eigenvectors of C^T C,  d = C V,  D V^T = the nearest to C of its rank
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import Rounded, contract, gamma, scatter_add

STEPS, BATCH, DIM, NEGATIVES = 12, 24, 12, 4


def draw_pairs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Subtrees of the atlas, shuffled, so that graphs and subtrees repeat in a batch; noise meets its word."""
    import networkx as nx

    from tf_emb.methods.graph.counts import subtree_bags

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
    return pair_outputs(torch.stack(losses), first, tables)


def pairs_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.graph.graph2vec's model and its step, with Keras' SGD."""
    import keras
    import tensorflow as tf

    from tf_emb.methods.graph.bag_model import BagModel
    from tf_emb.parity.engines.pullback import pull_back

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
    return pair_outputs(tf.stack(losses), first, tables)


def pair_outputs(loss: Any, first: Any, tables: Any) -> dict[str, Any]:
    """Return the outputs of the case."""
    return {
        "loss": loss,
        "document gradient": first[0],
        "word gradient": first[1],
        "documents": tables[0],
        "words": tables[1],
    }


def pairs_envelope(x: Arrays, u: float) -> Arrays:
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


def draw_counts(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Counts of a few kinds of graphs, and as many dimensions as stand out."""
    kinds = 1 + 5 * np.eye(3)[np.arange(9) % 3].T  # at an angle from each other, whatever is drawn
    return {"counts": kinds[rng.integers(0, 3, 14)] + rng.integers(0, 2, (14, 9)), "dim": np.array(3)}


def products_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Products of the vectors of graphs, and those of graphs and words."""
    c = x["counts"]
    _, vectors = np.linalg.eigh(c.T @ c)
    v = vectors[:, -int(x["dim"]) :]
    d = c @ v
    return {"products": d @ d.T, "predicted": d @ v.T}


def products_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.linalg.svd, vectors of graphs from the left side."""
    import torch

    left, size, right = torch.linalg.svd(x["counts"], full_matrices=False)
    first = slice(x["dim"])
    return product_outputs(left[:, first] * size[first], right[first].T)


def products_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.graph.counts, which is SciPy here."""
    from scipy.sparse import csr_array

    from tf_emb.methods.graph.counts import count_factors

    return product_outputs(*count_factors(csr_array(np.asarray(x["counts"])), x["dim"]))


def product_outputs(d: Any, v: Any) -> dict[str, Any]:
    """Return the outputs of the case."""
    return {"products": d @ d.T, "predicted": d @ v.T}


def products_envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """What is computed for D D^T, D V^T differs from C Q C^T, C Q, with Q the projector on V's columns.

    A turn by an angle of sine s moves Q by s between its range and the rest, and by s^2 within either.
    """
    c, dim = x["counts"], int(x["dim"])
    (m, n), (_, size, right) = c.shape, np.linalg.svd(c)
    Q = right[:dim].T @ right[:dim]
    off = gamma(max(m, n), u)  # of the singular vectors' length and right angles too
    change = size[0] ** 2 * (2 * off + off**2 + gamma(m + n, u))
    gap = size[dim - 1] ** 2 - size[dim] ** 2 - change
    s = change / gap if gap > 0 else np.inf
    inside, beside = (np.sqrt((c @ of * c).sum(1)) for of in (Q, np.eye(n) - Q))
    word, other = np.sqrt(Q.diagonal()), np.sqrt(1 - Q.diagonal())
    length = np.sqrt(inside**2 + beside**2)
    # D = C V or U S, and sums of dim products, whose magnitudes a row's length bounds.
    products = np.outer(inside, beside) * s + np.outer(beside, inside) * s + np.outer(length, length) * s**2
    products += 2 * off * np.outer(inside, inside) + (2 * gamma(n, u) + gamma(dim, u)) * dim * np.outer(length, length)
    turned = s * (np.outer(inside, other) + np.outer(beside, word)) + s**2 * length[:, None]
    rounded = off * np.outer(inside, np.ones(n)) + ((gamma(n, u) + gamma(dim, u)) * dim * length)[:, None]
    return {"products": products, "predicted": turned + rounded}
