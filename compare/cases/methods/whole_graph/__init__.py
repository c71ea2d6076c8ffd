"""Vectors of whole graphs: bags of subtrees and closed walks, documents that predict which words they have."""

from compare.cases.methods.whole_graph import labels, vectors
from tf_emb.parity.case import EXACT, Case, Fault, running
from tf_emb.parity.engines import KERAS_TENSORFLOW

WHY = "running error analysis over {}: logits gamma(d), sigmoid K u, sums over places gamma(c - 1)"
FACTORS = (
    "singular vectors of C + E, |E| <= max(m, n) u |C| (LAPACK Users' Guide, section 4.9, with p its size); from a "
    "Gram matrix gamma(m + n) |C|^2 more; turned by |C'^T C' - C^T C| / gap (Davis and Kahan 1970); products "
    "gamma(terms)"
)
CASES = [
    Case(
        name="subtree-labels",
        claim="Weisfeiler-Lehman labels; equal bags for isomorphic graphs, and for a hexagon and two triangles.",
        cite="Shervashidze et al. 2011, algorithms 1 and 2, definition 4",
        inputs=labels.draw_isomorphic,
        oracle=labels.subtrees_oracle,
        impls={"torch": labels.subtrees_torch, "keras-tensorflow": labels.subtrees_keras},
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
        inputs=vectors.draw_pairs,
        oracle=vectors.pairs_oracle,
        impls={"torch": vectors.pairs_torch, **dict.fromkeys(KERAS_TENSORFLOW, vectors.pairs_keras)},
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
        envelope=vectors.pairs_envelope,
        quick=True,
    ),
    Case(
        name="closed-walk-labels",
        claim="How many walks of each length lead back to every node, as labels; a hexagon and two triangles differ.",
        cite="Estrada and Rodriguez-Velazquez 2005, equation 1",
        inputs=labels.draw_directed,
        oracle=labels.walks_oracle,
        impls={"torch": labels.walks_torch, "keras-tensorflow": labels.walks_keras},
        bounds=dict.fromkeys(("labels", "bags"), EXACT),
        faults={
            "walks that need not close": Fault("= ends[v]", "= ends.sum()"),
            "both ways along an edge": Fault("ends @ edges", "ends @ np.maximum(edges, edges.T)"),
            "steps counted once": Fault("ends @ edges", "(ends @ edges > 0).astype(np.int64)"),
            "the last length alone": Fault("moments[:, : k + 1]", "moments[:, k : k + 1]"),
            "numbered anew at every length": Fault("+ used", "+ 0 * used"),
            "a length less": Fault("for k in range(LENGTH)", "for k in range(LENGTH - 1)"),
        },
        quick=True,
    ),
    Case(
        name="graph-counts",
        claim="Documents that predict how often their words occur: the products of the vectors that do it best.",
        cite="Eckart and Young 1936; Deerwester et al. 1990, Latent Semantic Analysis",
        inputs=vectors.draw_counts,
        oracle=vectors.products_oracle,
        impls={"torch": vectors.products_torch, "keras-tensorflow": vectors.products_keras},
        bounds=dict.fromkeys(("products", "predicted"), running(FACTORS)),
        faults={
            "a dimension less": Fault('[:, -int(x["dim"]) :]', '[:, 1 - int(x["dim"]) :]'),
            "the last dimensions": Fault('[:, -int(x["dim"]) :]', '[:, : int(x["dim"])]'),
            "counts less their mean": Fault("c.T @ c)", "c.T @ c - len(c) * np.outer(c.mean(0), c.mean(0)))"),
            "presence for counts": Fault("eigh(c.T @ c)", "eigh((c > 0).T @ (c > 0.0))"),
            "graphs of length one": Fault("d = c @ v", "d = c @ v / np.sqrt(((c @ v) ** 2).sum(0))"),
        },
        envelope=vectors.products_envelope,
        quick=True,
    ),
]
