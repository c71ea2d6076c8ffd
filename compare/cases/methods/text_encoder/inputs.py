"""Token ids of real text, a small encoder, and the input of each of its layers."""

from collections.abc import Mapping

import numpy as np

from compare.cases import text
from compare.cases.methods.text_encoder.oracle import attend, embed, feed_forward

VOCAB, DIM, HEADS, INNER, LAYERS, BATCH, TIME, POSITIONS = 200, 12, 4, 20, 2, 4, 9, 11
LENGTHS = (9, 6, 9, 3)


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Sentences of different length, in two segments; epsilon so large that its place shows at float32 too."""
    mask = np.arange(TIME) < np.array(LENGTHS)[:, None]
    x = {
        "ids": np.where(mask, text.passage(rng, BATCH * TIME, VOCAB).reshape(BATCH, TIME), 0),
        "attention_mask": mask.astype(np.int64),
        "segments": (np.arange(TIME) >= np.array(LENGTHS)[:, None] // 2) * mask.astype(np.int64),
        "layers": np.array(LAYERS),
        "heads": np.array(HEADS),
        "epsilon": np.array(1e-2),
    }
    return with_hidden(x | weights(rng))


def weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Normal, of a size that keeps every layer's output near 1, and attention far from uniform."""
    tables = {"word": VOCAB, "position": POSITIONS, "token_type": 2}
    out = {f"embeddings.{name}_embeddings.weight": rng.normal(size=(rows, DIM)) for name, rows in tables.items()}
    out |= norm(rng, "embeddings.LayerNorm")
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            out |= dense(rng, f"{at}attention.{name}", DIM, DIM)
        out |= dense(rng, f"{at}intermediate.dense", INNER, DIM) | dense(rng, f"{at}output.dense", DIM, INNER)
        out |= norm(rng, f"{at}attention.output.LayerNorm") | norm(rng, f"{at}output.LayerNorm")
    return out


def dense(rng: np.random.Generator, name: str, rows: int, columns: int) -> dict[str, np.ndarray]:
    """A matrix whose product with a vector of ones is of size 1, and a bias."""
    matrix = rng.normal(size=(rows, columns)) / np.sqrt(columns)
    return {f"{name}.weight": matrix, f"{name}.bias": rng.normal(size=rows) / 5}


def norm(rng: np.random.Generator, name: str) -> dict[str, np.ndarray]:
    """Factors about 1 and shifts about 0."""
    return {f"{name}.weight": 1 + rng.normal(size=DIM) / 5, f"{name}.bias": rng.normal(size=DIM) / 5}


def with_hidden(x: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the input of each half of a layer, and of the mean after them, as the oracle computes it.

    Rounded to float32, so that every dtype starts from the same numbers.
    """
    hidden = {"hidden 0": embed(x)}
    for i in range(int(x["layers"])):
        hidden[f"attended {i}"] = attend(x, i, hidden[f"hidden {i}"])
        hidden[f"hidden {i + 1}"] = feed_forward(x, i, hidden[f"attended {i}"])
    return {**x, **{name: h.astype(np.float32).astype(np.float64) for name, h in hidden.items()}}
