"""Random walks: how often the samplers draw every walk of four nodes.

Four small graphs: a directed one with weights, a loop and a dead end; an undirected one with weights; the same without
weights; and one whose weights, from 2^-20 to 2^33, would be lost in a common running sum. With two of the settings of p
and q, one proposal in 2^30 is accepted. From every node, PASSES walks of LENGTH nodes are drawn; how often a given walk
occurs among them is binomially distributed. The oracle gives the expected count and Bernstein's inequality
the bound, so that a correct sampler fails with a probability below 1e-9, whatever the seed. Only the samplers'
generator depends on the seed; the graphs, p and q do not, so a planted fault moves the expected counts by the same
multiples of their bounds at every seed.
"""

import numpy as np

from compare.cases.methods.walks import engines, oracle
from tf_emb.parity.case import EXACT, Bound, Case, Fault

DIRECTED = np.array([[0.5, 2, 1, 0, 0], [1, 0, 2, 1, 0], [2, 1, 0, 1, 0.5], [0, 1, 4, 0, 1], [0, 0, 0, 0, 0]])
WEIGHTED = np.array([[0, 1, 2, 0, 0], [1, 0, 4, 0.5, 0], [2, 4, 0, 1, 0], [0, 0.5, 1, 0, 2], [0, 0, 0, 2, 0]])
LIGHT, HEAVY = 2.0**-20, 2.0**33
FAR_APART = np.array(
    [
        [0, HEAVY, 0, 0, 0],
        [HEAVY, 0, 0, 0, 0],
        [0, 0, 0, LIGHT, LIGHT],
        [0, 0, LIGHT, 0, 2 * LIGHT],
        [0, 0, LIGHT, 2 * LIGHT, 0],
    ]
)
WHY = (
    "Bernstein 1924 (Boucheron, Lugosi and Massart 2013, equation 2.10): a binomial number of mean N P strays by "
    "L / 3 + sqrt(L^2 / 9 + 2 L N P (1 - P)) or more with a probability of at most 2 exp(-L); L = log(2 cells / 1e-9) "
    "for all counts together; 2^-16 N P a step for uniform numbers of 24 bits; what has P = 0 or 1, not at all"
)
COUNT = Bound(lambda x: np.zeros(()), WHY)  # nothing beside the envelope: an impossible walk must not occur once


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Four graphs, six settings of p and q, all exact at every dtype, and the samplers' seed."""
    return {
        "weights": np.array([DIRECTED, WEIGHTED, np.sign(WEIGHTED), FAR_APART]),
        # Every branch of the rejection: 1 / p above max(1, 1 / q) and not, q above 1 and below; its end.
        "p": np.array([0.25, 4, 0.125, 2, 2.0**30, 2]),
        "q": np.array([4, 0.25, 0.5, 2, 2.0**30, 2.0**-30]),
        "seed": np.array(rng.integers(1 << 30)),
    }


CASES = [
    Case(
        name="walks",
        claim="Walks drawn by a table, by rejection and for DeepWalk occur as often as the formula says.",
        cite="Grover and Leskovec 2016, node2vec, section 3.2.2; Perozzi et al. 2014, DeepWalk, algorithm 1",
        inputs=draw,
        oracle=oracle.oracle,
        impls={"torch": engines.run_torch, "keras-tensorflow": engines.run_keras},
        bounds={
            "steps in a table": Bound(
                15,
                "running sums up to E, the number of edges: an addition at either side of a share, n = 5 of their "
                "whole, 2 of e + and of the difference, u E each; P itself n + 4, relative; stored 1",
                lambda x, want: np.broadcast_to(
                    (x["weights"] > 0).sum(axis=(1, 2))[:, None, None, None, None], want["steps in a table"].shape
                ),
            ),
            "walks by a table": COUNT,
            "walks by rejection": COUNT,
            "walks of DeepWalk": COUNT,
            "starts": EXACT,
            "places of starts": COUNT,
        },
        faults={
            "p and q exchanged": Fault(
                'w: np.ndarray, p: float, q: float) -> np.ndarray:\n    """P',
                'w: np.ndarray, q: float, p: float) -> np.ndarray:\n    """P',
            ),
            "edge from x to t": Fault("elif w[t, y]:", "elif w[y, t]:"),
            "1 and 1 / q exchanged": Fault("elif w[t, y]:", "elif not w[t, y]:"),
            "common neighbours as any other": Fault("elif w[t, y]:", "elif False:"),
            "p for 1 / p": Fault("w[v, y] / p", "w[v, y] * p"),
            "q for 1 / q": Fault("w[v, y] / q", "w[v, y] * q"),
            "way back as any other": Fault("if y == t:", "if False:"),
            "weights left out": Fault("scores[y] = w[v, y]\n", "scores[y] = 1\n"),
            "weights left out at first": Fault("out[v] = w[v] / w[v].sum()", "out[v] = (w[v] > 0) / (w[v] > 0).sum()"),
            "by column": Fault("w[v] / w[v].sum()", "w[v] / w.sum(axis=0)[v]"),
            "always of first order": Fault(
                'abc,bcd->abcd", first, second, second',
                'bc,cd->abcd", first, *[ended(first_order(w))] * 2',
            ),
            "walks go on from a dead end": Fault("out.sum(axis=-1) == 0", "0"),
            "starts by weight": Fault("first[-1] = 0", "first[:-1] *= w.sum(axis=1)[:, None] * len(w) / w.sum()"),
            "nodes start in the same order": Fault(
                "np.full((graphs, nodes, nodes), PASSES / nodes", "np.array(PASSES * np.stack([np.eye(nodes)] * graphs)"
            ),
            "a pass left out": Fault("np.full((graphs, nodes), PASSES)", "np.full((graphs, nodes), PASSES - 1)"),
        },
        envelope=oracle.envelope,
        quick=True,
    )
]
