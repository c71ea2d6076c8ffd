"""The measures by tf_emb, and by PyTorch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases.methods.representation.oracle import CLASSES, SEED, SHARE, TABLES, TEST


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
    search = torch.optim.LBFGS([W, b], max_iter=500, tolerance_grad=1e-5, tolerance_change=0.0,
                               line_search_fn="strong_wolfe")  # fmt: skip

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
