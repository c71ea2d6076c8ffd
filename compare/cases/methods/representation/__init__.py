"""What `evaluate.representation` measures: reconstruction, probe, rank, redundancy, sparsity, isotropy, geometry."""

from compare.cases.methods.representation import engines, oracle
from compare.cases.methods.representation.bounds import envelope
from tf_emb.parity.case import Case, Fault, running

CASES = [
    Case(
        name="representation",
        claim="Reconstruction, a linear probe and its gap, effective rank, correlation, sparsity, isotropy, alignment "
        "and uniformity, of tables with columns and rows of zeros too.",
        cite="Roy and Vetterli 2007; Hoyer 2004; Mu and Viswanath 2018, equation 4; Wang and Isola 2020, section 4.1; "
        "Alain and Bengio 2016",
        inputs=oracle.draw,
        oracle=oracle.oracle,
        impls={"torch": engines.run_torch, "keras-tensorflow": engines.run_tf_emb},
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
