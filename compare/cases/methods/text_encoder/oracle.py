"""BERT's encoder written out, under the names that its checkpoints have. NumPy only."""

import math

import numpy as np

from tf_emb.parity.case import Arrays


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Each layer from the input that it is given, and the whole of them one after another."""
    free = embed(x)
    out = {"embeddings": free}
    for i in range(int(x["layers"])):
        given = x[f"hidden {i}"]
        out[f"attention {i + 1}, given its input"] = probabilities(x, i, given)
        out[f"attended {i + 1}, given its input"] = attend(x, i, given)
        out[f"layer {i + 1}, given attended"] = feed_forward(x, i, x[f"attended {i}"])
        free = feed_forward(x, i, attend(x, i, free))
        out[f"layer {i + 1}, whole forward"] = free
    last = x[f"hidden {int(x['layers'])}"]
    return out | {"sentence, given its input": sentence(x, last), "sentence, whole forward": sentence(x, free)}


def embed(x: Arrays) -> np.ndarray:
    """norm(token + position + segment)."""
    total = x["embeddings.word_embeddings.weight"][x["ids"]]
    total = total + x["embeddings.position_embeddings.weight"][np.arange(x["ids"].shape[1])]
    total = total + x["embeddings.token_type_embeddings.weight"][x["segments"]]
    return norm(x, "embeddings.LayerNorm", total)


def attend(x: Arrays, i: int, h: np.ndarray) -> np.ndarray:
    """norm(h + attention(h))."""
    at = f"encoder.layer.{i}."
    p, value = probabilities(x, i, h), heads(x, dense(x, at + "attention.self.value", h))
    gathered = np.einsum("bhqk,bkhd->bqhd", p, value).reshape(h.shape)
    return norm(x, at + "attention.output.LayerNorm", h + dense(x, at + "attention.output.dense", gathered))


def feed_forward(x: Arrays, i: int, a: np.ndarray) -> np.ndarray:
    """norm(a + W gelu(V a))."""
    at = f"encoder.layer.{i}."
    wide = gelu(dense(x, at + "intermediate.dense", a))
    return norm(x, at + "output.LayerNorm", a + dense(x, at + "output.dense", wide))


def probabilities(x: Arrays, i: int, h: np.ndarray) -> np.ndarray:
    """softmax(Q K^T / sqrt(d)) over the keys that are tokens."""
    at = f"encoder.layer.{i}.attention.self."
    q, k = heads(x, dense(x, at + "query", h)), heads(x, dense(x, at + "key", h))
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(h.dtype.type(q.shape[-1]))
    scores = np.where(x["attention_mask"][:, None, None, :] != 0, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def heads(x: Arrays, a: np.ndarray) -> np.ndarray:
    """Columns that follow one another belong to one head."""
    return a.reshape(*a.shape[:2], int(x["heads"]), -1)


def dense(x: Arrays, name: str, a: np.ndarray) -> np.ndarray:
    """a W^T + b."""
    return a @ x[f"{name}.weight"].T + x[f"{name}.bias"]


def gelu(z: np.ndarray) -> np.ndarray:
    """z Phi(z)."""
    erf = np.vectorize(math.erf, otypes=[float])(z / np.sqrt(2)).astype(z.dtype)
    return z * (1 + erf) / 2


def norm(x: Arrays, name: str, a: np.ndarray) -> np.ndarray:
    """(a - mean) / sqrt(variance + epsilon) g + b."""
    centred = a - a.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + x["epsilon"]) * x[f"{name}.weight"] + x[f"{name}.bias"]


def sentence(x: Arrays, h: np.ndarray) -> np.ndarray:
    """The mean over tokens, made to have length 1."""
    kept = (x["attention_mask"] != 0).astype(h.dtype)[:, :, None]
    mean = (h * kept).sum(axis=1) / kept.sum(axis=1)
    return mean / np.sqrt((mean**2).sum(axis=-1, keepdims=True))
