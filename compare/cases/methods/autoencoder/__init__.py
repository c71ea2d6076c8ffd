"""The linear autoencoder: its gradient, a short training, and that a long one ends in the subspace of PCA.

    Y = (X A + a) B + b,  E = mean over rows and features of (Y - X)^2,  G = 2 (Y - X) / (rows features)
    dE/dB = Z^T G,  dE/db = sum G,  dE/dA = X^T G B^T,  dE/da = sum G B^T            with Z = X A + a

Baldi and Hornik 1989: every minimum of E has the decoder's rows span the first principal components.
"""

from compare.cases.methods.autoencoder import converged, engines, oracle, short
from tf_emb.parity.case import Case, Fault, running

ONCE = "running error analysis: products gamma(terms), each other operation u, errors through their derivatives"
SHORT = Case(
    name="autoencoder",
    claim="The linear autoencoder of a Keras model: code, loss, gradients, and four steps of gradient descent.",
    cite="Baldi and Hornik 1989, equation 1",
    inputs=short.draw,
    oracle=oracle.short,
    impls={"torch": engines.short_torch, "keras-tensorflow": engines.short_keras},
    bounds={name: running(ONCE) for name in ("code", "loss", *short.GRADIENTS, *short.AFTER)},
    faults={
        "sum over the features": Fault('/ x["rows"].size', '/ len(x["rows"])'),
        "half of the gradient": Fault('2 * (y - x["rows"])', '(y - x["rows"])'),
        "bias of the encoder left out": Fault('@ w["A"] + w["a"]', '@ w["A"]'),
        "tied weights": Fault('g @ w["B"].T', 'g @ w["A"]'),
        "gradient of the encoder at the code": Fault('x["rows"].T @ back', 'x["rows"].T @ back / 2'),
        "bias's gradient a mean": Fault('"b": g.sum(axis=0)', '"b": g.mean(axis=0)'),
        "one step too few": Fault('range(int(x["steps"]))', 'range(int(x["steps"]) - 1)'),
        "a step of ascent": Fault('value - x["rate"]', 'value + x["rate"]'),
    },
    envelope=short.envelope,
    quick=True,
)
CONVERGED = Case(
    name="autoencoder-pca",
    claim="Trained to the end, the linear autoencoder's decoder spans the subspace of the first principal components.",
    cite="Baldi and Hornik 1989, facts 2 and 4; Golub and Van Loan, section 6.4.3 (principal angles)",
    inputs=converged.draw,
    oracle=oracle.subspace,
    impls={"torch": engines.converged_torch, "keras-tensorflow": engines.converged_keras},
    bounds={
        "projector": running(
            "|P - P*| is the sine of the largest principal angle: what exact training leaves of it, and "
            "|d| / sigma_min(B) of rounding, |d'| = |I - rate H| |d| + rate M |d|^2 / 2 + a step's rounding, in 2-norms"
        )
    },
    faults={
        "a component less": Fault('[:, -int(x["dim"]) :]', '[:, 1 - int(x["dim"]):]'),
        "the last components": Fault('[:, -int(x["dim"]) :]', '[:, :int(x["dim"])]'),
        "features moved off their mean": Fault('x["rows"].T @ x["rows"]', '(x["rows"] + 1).T @ (x["rows"] + 1)'),
        "eigenvectors as rows": Fault("first @ first.T", "vectors[-int(x['dim']):].T @ vectors[-int(x['dim']):]"),
    },
    envelope=converged.envelope,
)
CASES = [SHORT, CONVERGED]
