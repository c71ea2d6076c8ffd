"""What gensim trains on: documents, counts, tables to start from; and the draws that it will make."""

import numpy as np

from compare.cases import text
from compare.cases.word2vec.gensim.oracle import keep_table, noise_table, replay, train, tree

VOCAB, DIM, WINDOW = 600, 24, 5


def draw(
    rng: np.random.Generator, skip_gram: bool, negatives: int, documents: int, cut: int | None = None
) -> dict[str, np.ndarray]:
    """Consecutive documents, or pieces of `cut` words; rates and thresholds that float32 holds exactly."""
    vocabulary, corpus = text.vocabulary(max_vocab=VOCAB), text.lee()
    first = int(rng.integers(len(corpus) - documents + 1))
    pieces = [document[i : i + (cut or len(document))] for document in corpus[first : first + documents]
              for i in range(0, len(document), cut or len(document))]  # fmt: skip
    # At least two jobs, and so two rates, however short the documents are.
    together = sum(map(len, pieces)) - 1
    chosen = [[vocabulary.ids.get(word, -1) for word in piece] for piece in pieces]
    x: dict[str, np.ndarray] = {
        "words": np.concatenate(chosen).astype(np.int64),
        "ends": np.cumsum([len(document) for document in chosen]),
        "counts": vocabulary.counts,
        "skip-gram": np.array(int(skip_gram)),
        "negatives": np.array(negatives),
        "window": np.array(WINDOW),
        "batch words": np.array(min(cut or 300, together)),
        "sample": np.array(2.0**-10),
        "alpha": np.array(2.0**-5),
        "min alpha": np.array(2.0**-13),
        "seed": np.array(rng.integers(1, 2**31)),
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
        "codes": codes, "points": points, "lengths": lengths,
        "starts": np.cumsum([0, *map(len, jobs)])[:-1],
        "rate": np.array([rate for _, _, _, rate in examples], np.float64),
    }  # fmt: skip
