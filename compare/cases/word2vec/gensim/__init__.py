"""gensim's own word2vec, replayed draw for draw: somebody else's program, and not ours to tune.

gensim trains an epoch with one worker. The oracle makes the same draws (subsampling, windows, noise, rates), reads the
same sigmoid table, and ends in the same vectors. So that rounding stays far below what training moves, each job (at
most 300 raw words, one learning rate) starts from the oracle's own state; the generators run on from job to job.

tf_emb's exact training follows the same examples. Two things differ, and are declared: its sigmoid is exact, where
gensim's table is read up to .0091 too low (.006 at 0), and not at all past 6; and a noise word that occurs twice in an
example gets one gradient, where gensim's second sees the row moved by its first.
"""

from dataclasses import replace
from functools import partial

from compare.cases.word2vec.gensim.engines import run_gensim, run_keras
from compare.cases.word2vec.gensim.envelope import envelope
from compare.cases.word2vec.gensim.inputs import draw
from compare.cases.word2vec.gensim.oracle import oracle
from tf_emb.parity.case import EXACT, Case, Divergence, Fault, running

F32 = ("float32",)
WHY = (
    "running error analysis over every example of a job (word2vec/descent.py): logits gamma(d), products and sums "
    "gamma, each write u; a look-up whose logit may have rounded into another cell of the table is allowed both cells "
    "(word2vec/gensim/envelope.py)"
)
BOUNDS = {
    "input": replace(running(WHY), at=F32),
    "output": replace(running(WHY), at=F32),
    "keep table": EXACT,
    "noise table": EXACT,
    "bits": EXACT,
}
EXACT_MODE = Divergence(
    "tf_emb's sigmoid is exact, and gradients of a repeated noise word are summed before they are applied",
    "gensim 4.4, word2vec_inner.pyx, lines 121 and 286 (table), 116 and 281 (skipped past 6), 297 (key by key)",
    "as_gensim=True",
    "as_gensim=False",
    at=F32,
)
FAULTS = {
    "sigmoid table read at 83.33 cells a unit": Fault("(CELLS // LIMIT // 2)", "(CELLS / LIMIT / 2)", F32),
    "logits past 6 learn": Fault("np.where(np.abs(logits) < LIMIT, error, 0)", "np.where(True, error, 0)", F32),
    "sigmoid exact": Fault("gensim_error if as_gensim else exact_error", "exact_error", F32),
    "generator seeded by one number": Fault("2**24 * int(rng.randint(0, 2**24)) + ", "", F32),
    "subsampling by the paper's rule": Fault(
        '(np.sqrt(x["counts"] / threshold) + 1) * (threshold / x["counts"])', 'np.sqrt(threshold / x["counts"])'
    ),
    "subsampling by 33 bits": Fault("int(keep[word]) >= state >> 16", "int(keep[word]) >= state >> 15", F32),
    "window one too wide": Fault('int(x["window"]) - reduced', 'int(x["window"]) + 1 - reduced', F32),
    "rate constant": Fault("rate = max(last, first - (first - last) * (pushed / len(sentences)))", "rate = first", F32),
    "noise by counts": Fault("** 0.75", "** 1.0"),
}
SAMPLING = {
    "noise equal to the target kept": Fault("for word in drawn if word != target", "for word in drawn", F32),
    "a repeated noise word sees the row as it was": Fault(
        "turns(keys) if as_gensim else [slice(None)]", "[slice(None)]", F32
    ),
    "noise drawn from 31 bits": Fault("(state >> 16) % int(noise[-1])", "(state >> 17) % int(noise[-1])", F32),
}
TREE = {
    "label is the code": Fault("1 - codes[:lengths].astype(np.int64)", "codes[:lengths].astype(np.int64)", F32),
    "rarer node gets bit 1": Fault("(rare, common)))", "(common, rare)))", F32),
    "path shifted by one node": Fault("(code, node.index - len(counts))", "(code, node.index - len(counts) + 1)", F32),
}
SKIPGRAM = {"centre predicts its context": Fault("(context[j : j + 1], word)", "(np.array([word]), context[j])", F32)}
CBOW = {
    "error divided among the context": Fault(
        "np.subtract.at(inputs, ids, error)", "np.subtract.at(inputs, ids, error / len(ids))", F32
    ),
    "sum of the context, not its mean": Fault("inputs[ids].sum(axis=0) / len(ids)", "inputs[ids].sum(axis=0)", F32),
}


def case(model: str, loss: str, documents: int, full: bool) -> Case:
    """Put one training together."""
    skip_gram, sampling = model == "skipgram", loss == "negative-sampling"
    # A root that every pair moves multiplies an error so often in 300 words that no bound is left.
    cut = 50 if full and skip_gram and not sampling else None
    pieces = f" in pieces of {cut} words" if cut else ""
    faults = FAULTS | (SAMPLING if sampling else TREE) | (SKIPGRAM if skip_gram else CBOW)
    return Case(
        name=f"gensim-{model}-{loss}" + ("-full" if full else ""),
        claim=f"gensim's training of {documents} documents{pieces}, one worker, ends every job in the vectors of its "
        "replay from that job's state; tf_emb's exact training follows the same draws.",
        cite="gensim 4.4, models/word2vec.py and models/word2vec_inner.pyx; word2vec.c",
        inputs=partial(draw, skip_gram=skip_gram, negatives=5 if sampling else 0, documents=documents, cut=cut),
        oracle=oracle,
        impls={"gensim": run_gensim, "keras-tensorflow": run_keras},
        bounds=BOUNDS,
        # Each fault is a whole training: over the corpus two of them take as long as all over a few documents.
        faults=dict(list(faults.items())[: 2 if full else None]),
        envelope=envelope,
        diverges={"keras-tensorflow": EXACT_MODE},
        quick=(model, loss, full) == ("cbow", "negative-sampling", False),
        full=full,
    )


CASES = [
    case(model, loss, 300 if full else documents, full)
    for model, documents in (("skipgram", 2), ("cbow", 5))
    for loss in ("negative-sampling", "hierarchical-softmax")
    for full in (False, True)
]
