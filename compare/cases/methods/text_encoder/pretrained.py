"""The same claims for the weights of all-MiniLM-L6-v2, where the package that ships them is installed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from compare.cases import parameters
from compare.cases.methods.text_encoder import with_hidden
from compare.cases.methods.text_encoder.engines import run_keras, run_torch
from compare.cases.methods.text_encoder.envelope import given_errors
from compare.cases.methods.text_encoder.oracle import oracle
from tf_emb.parity.case import Arrays, at_dtype
from tf_emb.parity.dtypes import unit_roundoff

WORDS = "embeddings.word_embeddings.weight"


def lee_documents() -> list[str]:
    """Return the 50 documents whose similarity people judged for Lee, Pincombe and Welsh (2005)."""
    from gensim.test.utils import datapath

    with open(datapath("lee.cor"), encoding="latin-1") as file:
        return file.read().splitlines()


def draw(sentences: Sequence[str], max_length: int = 256) -> dict[str, np.ndarray]:
    """Return the case's inputs for real sentences; of the table of words, only the rows that occur."""
    from tf_emb.methods.text_encoder import checkpoint
    from tf_emb.methods.text_encoder.wordpiece import WordPiece

    folder = checkpoint.package_folder()
    config, weights = checkpoint.read(folder)
    ids, mask = WordPiece.read(folder / "vocab.txt").encode(sentences, max_length=max_length)
    rows, places = np.unique(ids, return_inverse=True)
    sizes = checkpoint.sizes(config)
    weights[WORDS] = weights[WORDS][rows]
    used = {name: a for name, a in weights.items() if not name.startswith(("pooler", "embeddings.position_ids"))}
    return with_hidden(
        {
            **{name: a.astype(np.float64) for name, a in used.items()},
            "ids": places.reshape(ids.shape),
            "attention_mask": mask,
            "segments": np.zeros_like(ids),
            **parameters({name: sizes[name] for name in ("layers", "heads", "epsilon")}),
        }
    )


def torch_outputs(x: Arrays, dtype: str) -> dict[str, np.ndarray]:
    """Return what plain PyTorch gives at `dtype`."""
    import torch

    return _outputs(run_torch, lambda a: torch.from_numpy(np.ascontiguousarray(a)), x, dtype)


def keras_outputs(x: Arrays, dtype: str) -> dict[str, np.ndarray]:
    """Return what tf_emb's encoder gives at `dtype`."""
    from keras import ops

    return _outputs(run_keras, lambda a: ops.convert_to_tensor(a, a.dtype.name), x, dtype)


def _outputs(
    run: Callable[[Mapping[str, Any]], Mapping[str, Any]], convert: Callable[[np.ndarray], Any], x: Arrays, dtype: str
) -> dict[str, np.ndarray]:
    loaded = {name: convert(a) if a.ndim else a.item() for name, a in at_dtype(x, dtype).items()}
    return {name: np.asarray(out) for name, out in run(loaded).items()}


def allowed(x: Arrays, dtype: str) -> dict[str, np.ndarray]:
    """Return how far each output may be from the oracle: the program's error at `dtype`, and the oracle's own.

    None for whole forward passes: over 12 half layers the worst case outgrows every value.
    """
    parts = given_errors(x, unit_roundoff(dtype)), given_errors(x, unit_roundoff("float64"))
    return {name: parts[0][name] + parts[1][name] for name in parts[0]}


def shares(got: Arrays, want: Arrays, bound: Arrays) -> dict[str, float]:
    """Return the largest error of each output as a share of its bound; where that is 0, as under a mask, 0 or inf."""
    found = {}
    for name, limit in bound.items():
        error = np.abs(got[name] - want[name])
        none = np.where(error > 0, np.inf, 0)
        found[name] = float(np.divide(error, limit, out=none, where=limit > 0).max())
    return found


__all__ = ["allowed", "draw", "keras_outputs", "lee_documents", "oracle", "shares", "torch_outputs"]
