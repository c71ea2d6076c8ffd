"""Walks drawn by the samplers of tf_emb.methods.graph, and in PyTorch by torch.multinomial."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases.methods.walks.oracle import LENGTH, PASSES


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.graph, which is NumPy: on graphs made from the matrices."""
    from scipy.sparse import csr_array

    from tf_emb.methods.graph.walks import ENTRIES, Adjacency, random_walks

    weights = np.asarray(x["weights"])
    graphs = [Adjacency.from_matrix(csr_array(of)) for of in weights]
    each = [(of, p, q) for of in graphs for p, q in settings(x)]
    rng, starts = np.random.default_rng(x["seed"]), np.tile(np.arange(weights.shape[1]), PASSES)
    return outputs(
        weights,
        [in_a_table(*of) for of in each],
        [random_walks(of, starts, LENGTH, rng, p=p, q=q, entries=ENTRIES) for of, p, q in each],
        [random_walks(of, starts, LENGTH, rng, p=p, q=q, entries=0) for of, p, q in each],
        [corpus_walks(of, x["seed"]) for of in graphs],
    )


def in_a_table(graph: Any, p: float, q: float) -> np.ndarray:
    """Read P(x | t, v) back from the table that steps are drawn from."""
    from tf_emb.methods.graph.walks import StepTable

    table = StepTable.of(graph, p, q)
    upto = table.shares.upto
    edge = np.repeat(np.arange(len(graph.weights)), np.diff(table.shares.first))
    out = np.zeros((len(graph),) * 3, graph.weights.dtype)
    # An entry reaches from the one before it, or from its edge's number where that is higher.
    before = np.maximum(np.concatenate([[0], upto[:-1]]), edge)
    out[graph.sources[edge], graph.neighbours[edge], graph.neighbours[table.onward]] = upto - before
    return out


def corpus_walks(graph: Any, seed: int) -> np.ndarray:
    """The walks in DeepWalk's corpus, in their order; shape (PASSES nodes, LENGTH), -1 after the last node."""
    from tf_emb.methods.graph.node_vectors import walk_corpus

    corpus = walk_corpus(graph, [str(v) for v in range(len(graph))], walks=PASSES, length=LENGTH, seed=seed)
    ended = corpus.ids < 0
    sentence: np.ndarray = np.cumsum(ended) - ended
    place = np.arange(len(ended)) - np.concatenate([[0], np.flatnonzero(ended) + 1])[sentence]
    walks = np.full((corpus.sentences, LENGTH), -1)
    words = np.array(corpus.vocabulary.words, np.int64)
    walks[sentence[~ended], place[~ended]] = words[corpus.ids[~ended]]
    return walks


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """The formula in dense tensors, and walks whose steps torch.multinomial draws by it."""
    import torch

    weights = x["weights"]
    each = [(of, p, q) for of in weights for p, q in settings(x)]
    rng = torch.Generator(weights.device).manual_seed(x["seed"])
    return outputs(
        weights.cpu().numpy(),
        [torch_steps(*of).cpu().numpy() for of in each],
        [torch_walks(*of, rng) for of in each],
        [torch_walks(*of, rng) for of in each],
        [torch_walks(of, 1.0, 1.0, rng) for of in weights],
    )


def torch_steps(w: Any, p: float, q: float) -> Any:
    """P(x | t, v) for all nodes at once."""
    import torch

    edge = (w > 0).to(w.dtype)
    alpha = edge + (1 - edge) / q
    alpha.fill_diagonal_(1 / p)
    scores = torch.einsum("tv,tx,vx->tvx", edge, alpha, w)
    total = scores.sum(-1, keepdim=True)
    return scores / torch.where(total > 0, total, 1)


def torch_walks(w: Any, p: float, q: float, rng: Any) -> np.ndarray:
    """PASSES walks from every node, each pass in an order of its own; one more node marks the end of a walk."""
    import torch

    nodes = len(w)
    starts = torch.rand(PASSES, nodes, generator=rng, device=w.device).argsort(1).ravel()
    first = torch.nn.functional.pad(w, (0, 1, 0, 1))
    second = torch.nn.functional.pad(torch_steps(w, p, q), (0, 1, 0, 1, 0, 1))
    for steps in (first, second):
        steps[..., nodes] = (steps.sum(-1) == 0).to(w.dtype)
    walk = [starts, torch.multinomial(first[starts], 1, generator=rng)[:, 0]]
    for _ in range(LENGTH - 2):
        walk.append(torch.multinomial(second[walk[-2], walk[-1]], 1, generator=rng)[:, 0])
    found = torch.stack(walk, 1).cpu().numpy()
    return np.where(found == nodes, -1, found)


def settings(x: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The settings of p and q."""
    return [(float(p), float(q)) for p, q in zip(x["p"], x["q"], strict=True)]


def outputs(
    weights: np.ndarray,
    steps: list[np.ndarray],
    by_table: list[np.ndarray],
    by_rejection: list[np.ndarray],
    deepwalk: list[np.ndarray],
) -> dict[str, Any]:
    """Return the outputs of the case from the steps and the walks of each graph and setting, graph by graph."""
    graphs, nodes, _ = weights.shape
    begun = np.stack([of[:, 0].reshape(PASSES, nodes) for of in deepwalk])
    places = (begun[..., None] == np.arange(nodes)).sum(axis=1).transpose(0, 2, 1)
    return {
        "steps in a table": np.stack(steps).reshape(graphs, -1, nodes, nodes, nodes),
        "walks by a table": counted(by_table, weights).reshape(-1, graphs, len(by_table) // graphs),
        "walks by rejection": counted(by_rejection, weights).reshape(-1, graphs, len(by_rejection) // graphs),
        "walks of DeepWalk": counted(deepwalk, weights),
        "starts": places.sum(axis=2),
        "places of starts": places.astype(weights.dtype),
    }


def counted(found: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """How often each walk occurs, as floats of the graphs' dtype; -1 counts as the last index."""
    sides = (weights.shape[1] + 1,) * LENGTH
    at = [np.ravel_multi_index(tuple(walks.T), sides, mode="wrap") for walks in found]
    return np.stack([np.bincount(of, minlength=np.prod(sides)) for of in at], 1).astype(weights.dtype)
