"""Whole trainings: the GradientTape word2vec of `tf_emb`, its NumPy oracle, and PyTorch, on the same draws.

For each pair (i, o) and its noise words, in order, with both tables as they were before the pair:
g_k = sigmoid(v'_k . v_i) - [k = o];  v_i -= rate sum_k g_k v'_k;  v'_k -= rate g_k v_i. Noise equal to o is
left out. The rate falls linearly with the words seen. Mikolov et al. 2013b, equation 4; word2vec.c.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.cases import text
from compare.cases.word2vec.descent import envelope
from tf_emb.parity.case import Arrays, Case, Fault, running

DIM, WORDS = 50, 5000


def draw(rng: np.random.Generator, max_words: int | None = None) -> dict[str, np.ndarray]:
    """Every random choice of an epoch over the corpus, or over its first `max_words` kept words."""
    draws = text.draws(rng, max_words=max_words)
    vocab = len(text.vocabulary())
    return {
        "initial center": (rng.random((vocab, DIM)) - 0.5) / DIM,
        "initial context": np.zeros((vocab, DIM)),
        "center": draws.center,
        "context": draws.context,
        "noise": draws.noise,
        "rate": 0.025 * np.maximum(1 - draws.progress, 1e-4),
        "kept words": np.array(draws.kept_words),
    }


def draw_segments(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The whole corpus, cut into segments of about 5,000 words, and the oracle's tables where each starts.

    The tables are rounded to float32, so that every dtype starts a segment from the same numbers.
    """
    x = draw(rng)
    progress = np.arange(len(x["center"])) / len(x["center"])
    x["starts"] = np.searchsorted(progress, np.arange(0, 1, WORDS / int(x["kept words"])))
    tables = x["initial center"].copy(), x["initial context"].copy()
    kept: list[list[np.ndarray]] = [[], []]
    for first, last in segments(x):
        for table, states in zip(tables, kept, strict=True):
            states.append(table.astype(np.float32).astype(np.float64))
        train(x, *tables, first, last)
    return x | {"state center": np.stack(kept[0]), "state context": np.stack(kept[1])}


def segments(x: Arrays) -> list[tuple[int, int]]:
    """First and last pair of every segment."""
    ends = [*x["starts"][1:], len(x["center"])]
    return [(int(a), int(b)) for a, b in zip(x["starts"], ends, strict=True)]


def train(x: Arrays, center: np.ndarray, context: np.ndarray, first: int, last: int) -> np.ndarray:
    """Train both tables in place on the pairs first..last; return their losses."""
    losses = np.zeros(last - first, center.dtype)
    keys = np.concatenate([x["context"][:, None], x["noise"]], axis=1)
    counted = np.ones(keys.shape, center.dtype)
    counted[:, 1:] = x["noise"] != x["context"][:, None]
    target = np.zeros(keys.shape[1], center.dtype)
    target[0] = 1
    for p in range(first, last):
        i, k, rate = x["center"][p], keys[p], x["rate"][p]
        h, v = center[i].copy(), context[k]
        u = v @ h
        g = counted[p] * (1 / (1 + np.exp(-u)) - target)
        losses[p - first] = counted[p] @ np.log1p(np.exp((1 - 2 * target) * u))
        center[i] -= rate * (g @ v)
        np.subtract.at(context, k, rate * g[:, None] * h)
    return losses


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The tables after the training, and the loss of every pair on the way."""
    center, context = x["initial center"].copy(), x["initial context"].copy()
    losses = train(x, center, context, 0, len(x["center"]))
    return {"center": center, "context": context, "loss": losses}


def segment_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The whole training, and the tables after each segment, started from the injected states."""
    centers, contexts = [], []
    for s, (first, last) in enumerate(segments(x)):
        center, context = x["state center"][s].copy(), x["state context"][s].copy()
        train(x, center, context, first, last)
        centers.append(center)
        contexts.append(context)
    by_segment = {"center, by segment": np.stack(centers, 1), "context, by segment": np.stack(contexts, 1)}
    return oracle(x) | by_segment


def segment_envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The error of the whole training, and of every segment."""
    errors = [
        envelope({**x, "initial center": x["state center"][s], "initial context": x["state context"][s]}, u, *span)
        for s, span in enumerate(segments(x))
    ]
    by_segment = {f"{t}, by segment": np.stack([e[t] for e in errors], 1) for t in ("center", "context")}
    return by_segment | dict(envelope(x, u))


def train_torch(x: Mapping[str, Any], center: Any, context: Any, first: int, last: int) -> tuple[Any, Any, Any]:
    """Two nn.Embedding(sparse=True) tables under torch.optim.SGD, one pair a step."""
    import torch
    from torch.nn.functional import softplus

    tables = [torch.nn.Embedding.from_pretrained(t.clone(), freeze=False, sparse=True) for t in (center, context)]
    optimizer = torch.optim.SGD([t.weight for t in tables], lr=0.0)
    keys = torch.cat([x["context"][:, None], x["noise"]], 1)
    counted = torch.ones(keys.shape, dtype=center.dtype, device=center.device)
    counted[:, 1:] = (x["noise"] != x["context"][:, None]).to(center.dtype)
    sign = torch.ones(keys.shape[1], dtype=center.dtype, device=center.device)
    sign[0] = -1
    losses = torch.zeros(last - first, dtype=center.dtype, device=center.device)
    rates = x["rate"].tolist()
    for p in range(first, last):
        optimizer.zero_grad()
        logits = tables[1](keys[p]) @ tables[0](x["center"][p : p + 1])[0]
        loss = (counted[p] * softplus(sign * logits)).sum()
        loss.backward()
        optimizer.param_groups[0]["lr"] = rates[p]
        optimizer.step()
        losses[p - first] = loss.detach()
    return tables[0].weight, tables[1].weight, losses


def train_keras(x: Mapping[str, Any], center: Any, context: Any, first: int, last: int) -> tuple[Any, Any, Any]:
    """tf_emb.word2vec.ExactTrainer."""
    from tf_emb.word2vec import ExactTrainer, Examples, example_loss

    trainer = ExactTrainer((center, context), example_loss("negative-sampling"))
    center_ids, context_ids, noise = (x[name].numpy()[first:last] for name in ("center", "context", "noise"))
    examples = Examples(center_ids[:, None], context_ids, noise, np.zeros(last - first))
    losses = trainer.train(examples, x["rate"].numpy()[first:last])
    return *trainer.tables, losses


def run(trainer: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    """The whole training with an engine's `trainer`."""
    span = 0, len(x["center"])
    center, context, losses = trainer(x, x["initial center"], x["initial context"], *span)
    return {"center": center, "context": context, "loss": losses}


def run_segments(trainer: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    """The whole training, and every segment from the injected states, with an engine's `trainer`."""
    starts = [int(p) for p in x["starts"]]
    spans = zip(starts, [*starts[1:], len(x["center"])], strict=True)
    after = [trainer(x, x["state center"][s], x["state context"][s], *span)[:2] for s, span in enumerate(spans)]
    centers, contexts = zip(*after, strict=True)
    by_segment = {"center, by segment": stack(centers), "context, by segment": stack(contexts)}
    return run(trainer, x) | by_segment


def stack(tables: tuple[Any, ...]) -> np.ndarray:
    """Tables of an engine as one array, shape (vocab, segments, dim)."""
    return np.stack([t.detach().cpu().numpy() if hasattr(t, "detach") else t.numpy() for t in tables], axis=1)


WHY = (
    "running error analysis over every pair in order: logits gamma(d), sigmoid K u, update gamma(negatives + 3), "
    "one rounding of every touched element (compare/cases/word2vec/descent.py)"
)
FAULTS = {
    "noise equal to the context kept": Fault('counted[:, 1:] = x["noise"] != x["context"][:, None]', "pass"),
    "wrong sign on the noise term": Fault(
        "(1 / (1 + np.exp(-u)) - target)", "((2 * target - 1) / (1 + np.exp(-u)) - target)"
    ),
    "context updated with the moved centre": Fault("h, v = center[i].copy()", "h, v = center[i]"),
    "constant rate": Fault('x["rate"][p]', 'x["rate"][0]'),
    "last noise word dropped": Fault(
        "np.subtract.at(context, k, rate * g[:, None] * h)",
        "np.subtract.at(context, k[:-1], rate * g[:-1, None] * h)",
    ),
}
ENGINES = {"torch": train_torch, "keras-tensorflow": train_keras}
BOUNDS = {"center": running(WHY), "context": running(WHY), "loss": running(WHY)}

CASES = [
    Case(
        name="word2vec",
        claim="A GradientTape training on the corpus (at least 5,000 kept words), pair by pair, ends in the "
        "oracle's vectors and has its loss at every pair.",
        cite="Mikolov et al. 2013b, equation 4; word2vec.c",
        inputs=partial(draw, max_words=WORDS),
        oracle=oracle,
        impls={name: partial(run, trainer) for name, trainer in ENGINES.items()},
        bounds=BOUNDS,
        faults=FAULTS,
        envelope=envelope,
        quick=True,
    ),
    Case(
        name="word2vec-full",
        claim="The same over the whole corpus: the free run at float64, where the envelope stays far below the "
        "values, and at every dtype each segment of about 5,000 words from the oracle's state.",
        cite="Mikolov et al. 2013b, equation 4; word2vec.c",
        inputs=draw_segments,
        oracle=segment_oracle,
        impls={name: partial(run_segments, trainer) for name, trainer in ENGINES.items()},
        bounds={
            **{name: replace(bound, at=("float64",)) for name, bound in BOUNDS.items()},
            "center, by segment": running(WHY),
            "context, by segment": running(WHY),
        },
        faults=FAULTS,
        envelope=segment_envelope,
        full=True,
    ),
]
