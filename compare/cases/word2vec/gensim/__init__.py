"""gensim's own word2vec, replayed draw for draw: somebody else's program, and not ours to tune.

gensim trains an epoch with one worker. The oracle makes the same draws (subsampling, windows, noise, rates), reads the
same sigmoid table, and ends in the same vectors. So that rounding stays far below what training moves, each job (at
most 300 raw words, one learning rate) starts from the oracle's own state; the generators run on from job to job.

tf_emb's exact training follows the same examples. Two things differ, and are declared: its sigmoid is exact, where
gensim's table is read up to .0091 too low (.006 at 0), and not at all past 6; and a noise word that occurs twice in an
example gets one gradient, where gensim's second sees the row moved by its first.

A logit that rounds across the edge of a cell of the sigmoid table is looked up next door. The error of a look-up is
therefore 0 while every logit within the error stays in one cell, and otherwise the largest difference from the cells
that it can reach: both sides of every decision that float32 cannot make for certain are allowed.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from compare.cases import parameters, text
from compare.cases.word2vec.descent import Descent, Slopes, logistic
from compare.cases.word2vec.gensim.engines import run_gensim, run_keras
from compare.cases.word2vec.gensim.oracle import (
    LIMIT,
    gensim_error,
    keep_table,
    keys_of,
    noise_table,
    oracle,
    replay,
    train,
    tree,
    turns,
)
from tf_emb.parity.case import EXACT, Arrays, Case, Divergence, Fault, running

VOCAB, DIM, WINDOW = 600, 24, 5


def draw(
    rng: np.random.Generator, skip_gram: bool, negatives: int, documents: int, cut: int | None = None
) -> dict[str, np.ndarray]:
    """Consecutive documents, or pieces of `cut` words; rates and thresholds that float32 holds exactly."""
    vocabulary, corpus = text.vocabulary(max_vocab=VOCAB), text.lee()
    first = int(rng.integers(len(corpus) - documents + 1))
    pieces = [
        document[i : i + (cut or len(document))]
        for document in corpus[first : first + documents]
        for i in range(0, len(document), cut or len(document))
    ]
    # At least two jobs, and so two rates, however short the documents are.
    together = sum(map(len, pieces)) - 1
    chosen = [[vocabulary.ids.get(word, -1) for word in piece] for piece in pieces]
    x: dict[str, np.ndarray] = {
        "words": np.concatenate(chosen).astype(np.int64),
        "ends": np.cumsum([len(document) for document in chosen]),
        "counts": vocabulary.counts,
        **parameters({"skip-gram": int(skip_gram), "negatives": negatives, "window": WINDOW}),
        **parameters({"batch words": min(cut or 300, together), "sample": 2.0**-10, "alpha": 2.0**-5}),
        **parameters({"min alpha": 2.0**-13, "seed": int(rng.integers(1, 2**31))}),
    }
    started = x | start(rng, VOCAB, negatives, 3 if skip_gram else 7)
    return x | states(started) | drawn(x)


def start(rng: np.random.Generator, vocab: int, negatives: int, norm: float) -> dict[str, np.ndarray]:
    """Tables as gensim's at the start, but for some rows so long that their products leave its sigmoid table.

    Long are some frequent words in both or, where there is a tree, nodes half way up.
    """
    tables = [rng.uniform(-1, 1, (vocab, DIM)) / DIM for _ in range(2)]
    for table, long in zip(tables, (slice(20, 60), slice(20, 60) if negatives else slice(200, 320)), strict=True):
        rows = table[long]
        rows += norm * np.sign(rng.normal(size=(len(rows), 1))) / np.sqrt(DIM)
    return dict(zip(("initial input", "initial output"), tables, strict=True))


def states(x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Both tables before every job, rounded to float32, which all dtypes hold."""
    tables = [x["initial input"], x["initial output"]]
    kept: list[list[np.ndarray]] = [[], []]
    keep, noise, paths = keep_table(x), noise_table(x), tree(x["counts"])
    for examples in replay(x, keep, noise):
        tables = [table.astype(np.float32).astype(np.float64) for table in tables]
        for states, table in zip(kept, tables, strict=True):
            states.append(table.copy())
        train(x, paths, examples, *tables)
    return {"state input": np.stack(kept[0]), "state output": np.stack(kept[1])}


def drawn(x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The examples, as arrays for engines that do not draw; contexts are padded with -1."""
    jobs = replay(x, keep_table(x), noise_table(x))
    codes, points, lengths = (of.astype(np.int64) for of in tree(x["counts"]))
    examples = [example for job in jobs for example in job]
    context = np.full((len(examples), 1 if x["skip-gram"] else 2 * WINDOW), -1, np.int64)
    for row, example in zip(context, examples, strict=True):
        row[: len(example[0])] = example[0]
    return {
        "context": context,
        "target": np.array([target for _, target, _, _ in examples], np.int64),
        "noise": np.array([noise for _, _, noise, _ in examples], np.int64).reshape(len(examples), -1),
        "codes": codes,
        "points": points,
        "lengths": lengths,
        "starts": np.cumsum([0, *map(len, jobs)])[:-1],
        "rate": np.array([rate for _, _, _, rate in examples], np.float64),
    }


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """Return the error of both tables after each job: the larger of gensim's training and the formula's."""
    if u < 1e-12:  # gensim has no float64
        return {}
    by_job = [follow(x, u, read) for read in (by_table, logistic)]
    return {
        name: np.maximum(*(np.stack([getattr(d, f"{name}_error") for d in jobs], 1) for jobs in by_job))
        for name in ("input", "output")
    }


def follow(x: Arrays, u: float, read: Slopes) -> list[Descent]:
    """Take every job from its state; by the formula, whose `read` is `logistic`, all keys of an example at once."""
    paths, done = tree(x["counts"]), []
    for job, examples in enumerate(replay(x, keep_table(x), noise_table(x))):
        descent = Descent(x["state input"][job], x["state output"][job], u)
        for ids, target, drawn, rate in examples:
            keys, label = keys_of(x, paths, target, drawn)
            parts = [np.arange(len(keys))] if read is logistic else turns(keys)
            descent.example(ids, [(keys[at], label[at]) for at in parts], read, float(rate), 1.0)
        done.append(descent)
    return done


def by_table(logits: np.ndarray, off: np.ndarray, labels: np.ndarray, u: float) -> tuple[np.ndarray, np.ndarray]:
    """Return gensim's error, and how far any cell that the logit can reach is from it."""
    g = gensim_error(logits, labels)
    reached = np.stack([gensim_error(logits + side * off, labels) for side in (-1, 1)])
    jump = np.abs(reached - g).max(axis=0)
    edge = (np.abs(logits) - off < LIMIT) & (np.abs(logits) + off >= LIMIT)
    # Next to the limit both the skip and the last cell can be reached.
    return g, np.where(edge, np.maximum(jump, 1.0), jump)


F32 = ("float32",)
WHY = (
    "running error analysis over every example of a job (word2vec/descent.py): logits gamma(d), products and sums "
    "gamma, each write u; a look-up whose logit may have rounded into another cell of the table is allowed both cells"
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
