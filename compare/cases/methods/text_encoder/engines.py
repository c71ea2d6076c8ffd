"""The encoder in plain PyTorch, and that of tf_emb."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.functional, layer by layer."""
    import torch

    with torch.no_grad():
        free = torch_embed(x)
        out = {"embeddings": free}
        for i in range(x["layers"]):
            out[f"attention {i + 1}, given its input"] = torch_probabilities(x, i, x[f"hidden {i}"])
            out[f"attended {i + 1}, given its input"] = torch_attend(x, i, x[f"hidden {i}"])
            out[f"layer {i + 1}, given attended"] = torch_feed_forward(x, i, x[f"attended {i}"])
            free = out[f"layer {i + 1}, whole forward"] = torch_feed_forward(x, i, torch_attend(x, i, free))
        last = torch_sentence(x, x[f"hidden {x['layers']}"])
        return out | {"sentence, given its input": last, "sentence, whole forward": torch_sentence(x, free)}


def torch_embed(x: Mapping[str, Any]) -> Any:
    """Three embeddings and a norm."""
    import torch
    from torch.nn.functional import embedding

    at = "embeddings.{}_embeddings.weight".format
    places = torch.arange(x["ids"].shape[1], device=x["ids"].device)
    total = embedding(x["ids"], x[at("word")]) + embedding(x["segments"], x[at("token_type")])
    return _torch_norm(x, "embeddings.LayerNorm", total + embedding(places, x[at("position")]))


def torch_attend(x: Mapping[str, Any], i: int, h: Any) -> Any:
    """Attention, residual sum and norm."""
    at = f"encoder.layer.{i}."
    value = _torch_heads(x, _torch_dense(x, at + "attention.self.value", h))
    gathered = (torch_probabilities(x, i, h) @ value).transpose(1, 2).flatten(2)
    joined = _torch_dense(x, at + "attention.output.dense", gathered)
    return _torch_norm(x, at + "attention.output.LayerNorm", h + joined)


def torch_feed_forward(x: Mapping[str, Any], i: int, a: Any) -> Any:
    """Two products with gelu between them, residual sum and norm."""
    from torch.nn.functional import gelu

    at = f"encoder.layer.{i}."
    wide = gelu(_torch_dense(x, at + "intermediate.dense", a))
    return _torch_norm(x, at + "output.LayerNorm", a + _torch_dense(x, at + "output.dense", wide))


def torch_probabilities(x: Mapping[str, Any], i: int, h: Any) -> Any:
    """Softmax of the masked scores, shape (batch, heads, query, key)."""
    at = f"encoder.layer.{i}.attention.self."
    q, k = (_torch_heads(x, _torch_dense(x, at + name, h)) for name in ("query", "key"))
    scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
    return scores.masked_fill(x["attention_mask"][:, None, None, :] == 0, float("-inf")).softmax(-1)


def torch_sentence(x: Mapping[str, Any], h: Any) -> Any:
    """Mean over tokens, normalised."""
    from torch.nn.functional import normalize

    kept = (x["attention_mask"] != 0).to(h.dtype)[:, :, None]
    return normalize((h * kept).sum(1) / kept.sum(1), dim=1)


def _torch_heads(x: Mapping[str, Any], a: Any) -> Any:
    return a.unflatten(2, (x["heads"], -1)).transpose(1, 2)


def _torch_dense(x: Mapping[str, Any], name: str, a: Any) -> Any:
    from torch.nn.functional import linear

    return linear(a, x[f"{name}.weight"], x[f"{name}.bias"])


def _torch_norm(x: Mapping[str, Any], name: str, a: Any) -> Any:
    from torch.nn.functional import layer_norm

    return layer_norm(a, a.shape[-1:], x[f"{name}.weight"], x[f"{name}.bias"], x["epsilon"])


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb's Encoder, with the weights loaded by name."""
    from tf_emb.methods.text_encoder.encoder import mean_pooled
    from tf_emb.parity.engines.pullback import evaluate

    encoder, layers = keras_encoder(x), x["layers"]

    def forward(ids: Any, mask: Any, segments: Any, *given: Any) -> dict[str, Any]:
        free = encoder.hidden(ids, mask, segments)
        out = {"embeddings": free[0], "sentence, given its input": mean_pooled(given[-1], mask)}
        out |= {f"layer {i}, whole forward": free[i] for i in range(1, layers + 1)}
        for i, block in enumerate(encoder.blocks):
            attended, out[f"attention {i + 1}, given its input"] = block.attend(given[i], mask)
            out[f"attended {i + 1}, given its input"] = attended
            out[f"layer {i + 1}, given attended"] = block.feed_forward(given[layers + i])
        return out | {"sentence, whole forward": mean_pooled(free[-1], mask)}

    names = [*(f"hidden {i}" for i in range(layers)), *(f"attended {i}" for i in range(layers)), f"hidden {layers}"]
    return evaluate(forward, x["ids"], x["attention_mask"], x["segments"], *(x[name] for name in names))


def keras_encoder(x: Mapping[str, Any]) -> Any:
    """Return an encoder that holds the weights, of their sizes."""
    import keras

    from tf_emb.methods.text_encoder import checkpoint
    from tf_emb.methods.text_encoder.encoder import Encoder

    arrays = {name: np.asarray(keras.ops.convert_to_numpy(array)) for name, array in x.items() if "." in name}
    vocab, dim = arrays["embeddings.word_embeddings.weight"].shape
    encoder = Encoder(
        vocab,
        dim,
        layers=x["layers"],
        heads=x["heads"],
        epsilon=x["epsilon"],
        inner=len(arrays["encoder.layer.0.intermediate.dense.bias"]),
        positions=len(arrays["embeddings.position_embeddings.weight"]),
        segments=len(arrays["embeddings.token_type_embeddings.weight"]),
        dtype=arrays["embeddings.word_embeddings.weight"].dtype.name,
    )
    checkpoint.load(encoder, arrays)
    return encoder
