"""gensim 4.4's own training, single worker, replayed draw for draw.

From gensim/models/word2vec.py and word2vec_inner.pyx: jobs of at most `batch words` raw words, each with one learning
rate; a 48-bit linear congruential generator, seeded once a job by NumPy's RandomState, which subsamples the job and
then draws its noise words; window radii from RandomState, all of a job at once; a sigmoid table of 1,000 entries that
is read at 83 cells a unit, and skips every logit that is not between -6 and 6.
"""

import heapq
from functools import cache
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays

CELLS, LIMIT = 1000, 6
MULTIPLIER, MASK = 25214903917, 2**48 - 1


class Node:
    """A node of the tree; among equal counts the heap decides."""

    def __init__(self, count: int, index: int, children: tuple["Node", ...] = ()) -> None:
        self.count, self.index, self.children = count, index, children

    def __lt__(self, other: "Node") -> bool:
        return self.count < other.count


Example = tuple[np.ndarray, int, np.ndarray, np.float32]
Paths = tuple[np.ndarray, np.ndarray, np.ndarray]


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The tables that gensim draws with, and both tables of vectors after each job, from their states before it."""
    keep, noise, paths = keep_table(x), noise_table(x), tree(x["counts"])
    after: list[list[np.ndarray]] = [[], []]
    for job, examples in enumerate(replay(x, keep, noise)):
        tables = x["state input"][job].copy(), x["state output"][job].copy()
        train(x, paths, examples, *tables)
        for kept, table in zip(after, tables, strict=True):
            kept.append(table)
    vectors = {"input": np.stack(after[0], 1), "output": np.stack(after[1], 1)}
    return vectors | {"keep table": keep, "noise table": noise, "bits": np.array([x["counts"] @ paths[2]])}


def train(x: Arrays, paths: Paths, examples: list[Example], inputs: np.ndarray, outputs: np.ndarray) -> None:
    """Take the examples of one job, in order."""
    for ids, target, drawn, rate in examples:
        keys, label = keys_of(x, paths, target, drawn)
        learn(inputs, outputs, ids, keys, label, inputs.dtype.type(rate), as_gensim=True)


def keys_of(x: Arrays, paths: Paths, target: int, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the output table of an example, and their labels."""
    if x["negatives"]:
        keys = np.array([target, *(word for word in drawn if word != target)])
        return keys, (np.arange(len(keys)) == 0).astype(np.int64)
    codes, points, lengths = (of[target] for of in paths)
    return points[:lengths], 1 - codes[:lengths].astype(np.int64)


def learn(
    inputs: np.ndarray,
    outputs: np.ndarray,
    ids: np.ndarray,
    keys: np.ndarray,
    label: np.ndarray,
    rate: float,
    as_gensim: bool,
) -> None:
    """Descend for one example; each row of the context gets the whole error."""
    hidden = inputs[ids].sum(axis=0) / len(ids)
    error = np.zeros_like(hidden)
    for at in turns(keys) if as_gensim else [slice(None)]:
        rows = outputs[keys[at]]
        g = rate * (gensim_error if as_gensim else exact_error)(rows @ hidden, label[at])
        error += g @ rows
        np.subtract.at(outputs, keys[at], g[:, None] * hidden)
    np.subtract.at(inputs, ids, error)


def turns(keys: np.ndarray) -> list[np.ndarray]:
    """Places of `keys`, in parts without repetition: gensim goes key by key, so a second one sees the row moved."""
    seen = np.array([np.count_nonzero(keys[:i] == key) for i, key in enumerate(keys)])
    return [np.flatnonzero(seen == turn) for turn in range(seen.max() + 1)]


def gensim_error(logits: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Table at the logit, less the label; 0 where the logit is not within the table."""
    cell = ((logits.astype(np.float64) + LIMIT) * (CELLS // LIMIT // 2)).clip(0, CELLS - 1).astype(np.int64)
    error = sigmoid_table()[cell] - label
    return np.where(np.abs(logits) < LIMIT, error, 0).astype(logits.dtype)


@cache
def sigmoid_table() -> np.ndarray:
    """Sigmoid at 1,000 places from -6 on, rounded to float32 as gensim's."""
    place = np.arange(CELLS, dtype=np.float32) / np.float32(CELLS)
    power = np.exp((place.astype(np.float64) * 2 - 1) * LIMIT).astype(np.float32).astype(np.float64)
    return (power / (power + 1)).astype(np.float32)


def exact_error(logits: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The derivative of -log sigmoid by the logit."""
    return 1 / (1 + np.exp(-logits)) - label


def keep_table(x: Arrays) -> np.ndarray:
    """A word stays if its entry is at least 32 random bits; uint32."""
    threshold = float(x["sample"]) * x["counts"].sum()
    share = (np.sqrt(x["counts"] / threshold) + 1) * (threshold / x["counts"])
    return (np.minimum(share, 1.0) * (2**32 - 1)).astype(np.uint32)


def noise_table(x: Arrays) -> np.ndarray:
    """Cumulative counts^0.75, scaled to 31 bits; uint32."""
    power = x["counts"].astype(np.float64) ** 0.75
    return np.rint(np.cumsum(power) / np.cumsum(power)[-1] * (2**31 - 1)).astype(np.uint32)


def tree(counts: np.ndarray) -> Paths:
    """Join the two rarest nodes until one is left; codes and points of every word, padded with 0."""
    heap = [Node(int(count), word) for word, count in enumerate(counts)]
    heapq.heapify(heap)
    for made in range(len(counts) - 1):
        rare, common = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, Node(rare.count + common.count, len(counts) + made, (rare, common)))
    paths: dict[int, list[tuple[int, int]]] = {}
    stack: list[tuple[Node, list[tuple[int, int]]]] = [(heap[0], [])]
    while stack:
        node, path = stack.pop()
        if not node.children:
            paths[node.index] = path
        for code, child in enumerate(node.children):
            stack.append((child, [*path, (code, node.index - len(counts))]))
    lengths = np.array([len(paths[word]) for word in range(len(counts))], np.int32)
    padded = np.zeros((len(counts), lengths.max(), 2), np.int64)
    for word, path in paths.items():
        padded[word, : len(path)] = path
    return padded[..., 0].astype(np.uint8), padded[..., 1].astype(np.uint32), lengths


def jobs(x: Arrays) -> list[tuple[np.float32, list[np.ndarray]]]:
    """Sentences by job; the rate falls with the share of sentences that were handed out before a job."""
    sentences = np.split(x["words"], x["ends"])[:-1]
    found: list[tuple[np.float32, list[np.ndarray]]] = []
    batch: list[np.ndarray] = []
    first, last, pushed = float(x["alpha"]), float(x["min alpha"]), 0
    rate, size = first, 0
    for sentence in sentences:
        if size + len(sentence) > x["batch words"]:
            found.append((np.float32(rate), batch))
            pushed += len(batch)
            rate = max(last, first - (first - last) * (pushed / len(sentences)))
            batch, size = [], 0
        batch.append(sentence)
        size += len(sentence)
    return [*found, (np.float32(rate), batch)]


def replay(x: Arrays, keep: np.ndarray, noise: np.ndarray) -> list[list[Example]]:
    """Of every job every example, in order: ids of the context, the word predicted, noise words, learning rate."""
    rng = np.random.RandomState(int(x["seed"]))
    by_job = []
    for rate, sentences in jobs(x):
        by_job.append(examples_of(x, rng, keep, noise, rate, sentences))
    return by_job


def examples_of(
    x: Arrays, rng: Any, keep: np.ndarray, noise: np.ndarray, rate: np.float32, sentences: list[np.ndarray]
) -> list[Example]:
    """One job: its seed, its subsampling, its windows, then its noise words, example by example."""
    state = 2**24 * int(rng.randint(0, 2**24)) + int(rng.randint(0, 2**24))
    kept, examples = [], []
    for sentence in sentences:
        state, words = subsample(sentence[sentence >= 0], keep, state)
        kept.append(words)
    reduced = rng.randint(0, int(x["window"]), sum(map(len, kept)))
    for context, target in windows(x, kept, reduced):
        state, drawn = draw(noise, int(x["negatives"]), state)
        if len(context):  # a word alone draws noise, and changes nothing
            examples.append((context, target, drawn, rate))
    return examples


def subsample(words: np.ndarray, keep: np.ndarray, state: int) -> tuple[int, np.ndarray]:
    """Draw once a word."""
    stays = []
    for word in words:
        stays.append(int(keep[word]) >= state >> 16)
        state = (state * MULTIPLIER + 11) & MASK
    return state, words[np.array(stays, bool)]


def windows(x: Arrays, kept: list[np.ndarray], reduced: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Context and centre of every example: CBOW's whole context at once, skip-gram's word by word."""
    found = []
    radius = int(x["window"]) - reduced
    first = 0
    for words in kept:
        for i, word in enumerate(words):
            reach = radius[first + i]
            context = np.concatenate([words[max(0, i - reach) : i], words[i + 1 : i + 1 + reach]])
            found += [(context[j : j + 1], word) for j in range(len(context))] if x["skip-gram"] else [(context, word)]
        first += len(words)
    return found


def draw(noise: np.ndarray, negatives: int, state: int) -> tuple[int, np.ndarray]:
    """Draw noise words by bisection of their cumulative table."""
    drawn = []
    for _ in range(negatives):
        drawn.append((state >> 16) % int(noise[-1]))
        state = (state * MULTIPLIER + 11) & MASK
    return state, np.searchsorted(noise, np.array(drawn, np.int64), side="left")
