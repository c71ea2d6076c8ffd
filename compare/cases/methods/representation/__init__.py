"""What `evaluate.representation` measures: reconstruction, probe, rank, redundancy, sparsity, isotropy, geometry."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases.methods.representation import oracle
from compare.cases.methods.representation.bounds import envelope
from compare.cases.methods.representation.oracle import CLASSES, SEED, SHARE, TABLES, TEST
from tf_emb.parity.case import Case, Fault, running


def run_tf_emb(x: Mapping[str, Any]) -> dict[str, Any]:
    """`evaluate.representation`, which computes at float64 whatever it is given."""
    from tf_emb.evaluate import representation

    a = {name: np.asarray(value) for name, value in x.items()}
    whole = representation(
        a["vectors"], inputs=a["inputs"], labels=a["labels"], pairs=a["pairs"], held_out=SHARE, seed=SEED
    )
    tables = [whole, representation(a["flat"]), representation(a["holes"], pairs=a["pairs"])]
    by_class = representation(a["vectors"], labels=a["labels"]).alignment
    found = {
        "reconstruction": [whole.reconstruction], "probe": [whole.probe, whole.gap],
        "alignment": [whole.alignment, by_class, tables[2].alignment],
    }  # fmt: skip
    for name in ("effective rank", "correlation", "sparsity", "isotropy", "uniformity"):
        found[name] = [getattr(of, name.replace(" ", "_")) for of in tables]
    return {name: np.array(values, a["vectors"].dtype) for name, values in found.items()}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.linalg, torch.corrcoef, torch.pdist and L-BFGS, at the dtype of the vectors."""
    import torch

    A, labels = x["vectors"], x["labels"]
    test, train = x["order"][:TEST], x["order"][TEST:]
    seen, unseen = probe(A[train], labels[train], A[test], labels[test])
    far, pairs = 1 - torch.eye(len(A)), x["pairs"]
    alike = torch.argwhere(torch.triu((labels[:, None] == labels) * far.to(A.device), 1) > 0)
    tables = [x[name] for name in TABLES]
    found = {
        "reconstruction": [reconstruction(A[train], x["inputs"][train], A[test], x["inputs"][test])],
        "probe": [unseen, seen - unseen],
        "alignment": [alignment(A, pairs), alignment(A, alike), alignment(x["holes"], pairs)],
        "effective rank": map(effective_rank, tables), "correlation": map(correlation, tables),
        "sparsity": map(sparsity, tables), "isotropy": map(isotropy, tables), "uniformity": map(uniformity, tables),
    }  # fmt: skip
    return {name: torch.stack(list(values)).to(A.dtype) for name, values in found.items()}


def reconstruction(A: Any, known: Any, other: Any, asked: Any) -> Any:
    """Least squares of centred rows."""
    import torch

    middle, mean = A.mean(0), known.mean(0)
    W = torch.linalg.lstsq(A - middle, known - mean).solution
    return 1 - ((asked - mean - (other - middle) @ W) ** 2).sum() / ((asked - mean) ** 2).sum()


def probe(A: Any, known: Any, other: Any, asked: Any) -> tuple[Any, Any]:
    """A linear layer on standardised rows under cross-entropy, to where the gradient vanishes."""
    import torch

    middle, width = A.mean(0), A.std(0, correction=0)
    W = torch.zeros(CLASSES, A.shape[1], dtype=A.dtype, device=A.device, requires_grad=True)
    b = torch.zeros(CLASSES, dtype=A.dtype, device=A.device, requires_grad=True)
    scores = lambda rows: torch.nn.functional.linear((rows - middle) / width, W, b)  # noqa: E731
    search = torch.optim.LBFGS(
        [W, b], max_iter=500, tolerance_grad=1e-5, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )

    def loss() -> Any:
        search.zero_grad()
        value = torch.nn.functional.cross_entropy(scores(A), known) + (W**2).sum() / (2 * len(A))
        value.backward()
        return value

    search.step(loss)
    with torch.no_grad():
        seen, unseen = ((scores(rows).argmax(1) == y).to(A.dtype).mean() for rows, y in ((A, known), (other, asked)))
    return seen, unseen


def effective_rank(A: Any) -> Any:
    """exp of the entropy of singular values."""
    import torch

    s = torch.linalg.svdvals(A)
    s = s[s > s.max() * len(A) * torch.finfo(A.dtype).eps]
    return torch.exp(torch.special.entr(s / s.sum()).sum())


def correlation(A: Any) -> Any:
    """The mean above the diagonal of torch.corrcoef."""
    import torch

    live = A[:, A.amax(0) > A.amin(0)]
    r = torch.corrcoef(live.T).abs()
    return r[tuple(torch.triu_indices(len(r), len(r), 1))].mean()


def sparsity(A: Any) -> Any:
    """Norms of torch.linalg."""
    import torch

    live, root = A[:, (A != 0).any(0)], len(A) ** 0.5
    ratio = torch.linalg.vector_norm(live, 1, 0) / torch.linalg.vector_norm(live, 2, 0)
    return ((root - ratio) / (root - 1)).mean()


def isotropy(A: Any) -> Any:
    """torch.logsumexp along the eigenvectors and against them."""
    import torch

    scores = A @ torch.linalg.eigh(A.T @ A).eigenvectors
    z = torch.logsumexp(torch.cat([scores, -scores], 1), 0)
    return torch.exp(z.min() - z.max())


def unit(A: Any) -> Any:
    """Rows over their lengths."""
    import torch

    return torch.nn.functional.normalize(A, dim=1)


def alignment(A: Any, pairs: Any) -> Any:
    """The authors' formula, on unit rows."""
    x, y = (unit(A)[pairs[:, side]] for side in (0, 1))
    return (x - y).norm(p=2, dim=1).pow(2).mean()


def uniformity(A: Any) -> Any:
    """The authors' formula, on unit rows."""
    import torch

    return torch.pdist(unit(A), p=2).pow(2).mul(-2).exp().mean().log()


CASES = [
    Case(
        name="representation",
        claim="Reconstruction, a linear probe and its gap, effective rank, correlation, sparsity, isotropy, alignment "
        "and uniformity, of tables with columns and rows of zeros too.",
        cite="Roy and Vetterli 2007; Hoyer 2004; Mu and Viswanath 2018, equation 4; Wang and Isola 2020, section 4.1; "
        "Alain and Bengio 2016",
        inputs=oracle.draw,
        oracle=oracle.oracle,
        impls={"torch": run_torch, "keras-tensorflow": run_tf_emb},
        bounds={
            "reconstruction": running("least squares: by normal equations G = gamma(n + 10 d^2) |B|^2 over s^2, by a "
                                      "factorisation gamma(10 n d) |B| / s (Higham 2002, theorem 20.1)"),
            "probe": running("the share of rows whose two best scores a solver may exchange: tolerance |H^-1 b|_1"),
            "effective rank": running("Weyl: s is off by gamma(10 n d) |A|, or by G / s; then p log p by its slope"),
            "correlation": running("running error analysis: means, products, roots, and gamma(8) for factors n - 1"),
            "sparsity": running("running error analysis: two norms, a quotient, a mean"),
            "isotropy": running("Davis and Kahan: c turns by G / gap; log Z by max |v| times that, exp and log K u"),
            "alignment": running("running error analysis: unit rows, squares of differences, a mean"),
            "uniformity": running("running error analysis: unit rows, squared distances by differences or products, "
                                  "exp and log K u"),
        },
        faults={
            "reconstruction of seen rows": Fault('A[test], x["inputs"][test])', 'A[train], x["inputs"][train])'),
            "mean of the unseen rows": Fault("known.mean(axis=0)) ** 2", "asked.mean(axis=0)) ** 2", ("float64",)),
            "no intercept": Fault("np.insert(rows, 0, 1, axis=1) for", "rows for"),
            "share that is left": Fault("return 1 - left /", "return left /"),
            "seen for unseen": Fault("rows[test], labels[test], weights", "rows[train], labels[train], weights"),
            "fitted to test rows": Fault("logistic(rows[train], labels[train])", "logistic(rows[test], labels[test])"),
            "gap the other way": Fault("seen - unseen]", "unseen - seen]"),
            "penalty of the wrong sign": Fault("+ free * W", "- free * W"),
            "least likely class": Fault("np.argmax(W[:, 0]", "np.argmin(W[:, 0]"),
            "intercepts left out": Fault("np.argmax(W[:, 0] +", "np.argmax("),
            "not standardised": Fault(" / A[train].std(axis=0)", ""),
            "squares as shares": Fault("p = s / s.sum()", "p = s**2 / (s**2).sum()"),
            "entropy without the exponential": Fault("np.prod(p**-p)", "np.log(np.prod(p**-p))"),
            "entropy of base 2": Fault("np.prod(p**-p)", "np.prod(p**-p) ** (1 / np.log(2))"),
            "signed correlation": Fault("abs((a * b).sum())", "(a * b).sum()"),
            "correlation about 0": Fault("column - column.mean() for", "column for"),
            "constant columns counted": Fault(" if column.min() < column.max()", ""),
            "a column with itself": Fault("combinations(live, 2)", "[(a, b) for a in live for b in live]"),
            "norms exchanged": Fault("abs(c).sum() / np.sqrt((c * c).sum())", "np.sqrt((c * c).sum()) / abs(c).sum()"),
            "n for its root": Fault("np.sqrt(np.asarray(len(A), A.dtype))", "np.asarray(len(A), A.dtype)"),
            "columns of zeros counted": Fault("for c in A.T if c.any()]", "for c in A.T if c.any()] + [0 * root]"),
            "one way only": Fault("for sign in (1, -1)", "for sign in (1,)"),
            "axes by column": Fault("full_matrices=False)[2]", "full_matrices=False)[2].T"),
            "greatest over least": Fault("min(z) / max(z)", "max(z) / min(z)"),
            "lengths counted": Fault("row / np.sqrt((row * row).sum()) if", "row if"),
            "distance not squared": Fault("((f[i] - f[j]) ** 2).sum() for", "np.sqrt(((f[i] - f[j]) ** 2).sum()) for"),
            "pairs of other classes": Fault("if labels[i] == labels[j]", "if labels[i] != labels[j]"),
            "t = 1": Fault("np.exp(-2 * ", "np.exp(-"),
            "mean of logarithms": Fault("np.log(sum(near) / len(near))", "sum(np.log(near)) / len(near)"),
            "a row of zeros points somewhere": Fault("if row.any() else row for", "if row.any() else row + 0.7 for"),
        },
        envelope=envelope,
        quick=True,
    )
]  # fmt: skip
