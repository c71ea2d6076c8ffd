"""Embeddings in Keras/TensorFlow, proven right number by number.

Public names are imported when they are first used: `import tf_emb` loads no TensorFlow.
"""

import importlib
from typing import Any

_HOMES = {
    "Embedding": "tf_emb.layers",
    "EmbeddingBag": "tf_emb.layers",
    "ExactTrainer": "tf_emb.word2vec",
    "FullSoftmax": "tf_emb.layers",
    "HierarchicalSoftmax": "tf_emb.layers",
    "LazyAdagrad": "tf_emb.optimizers",
    "LazyAdam": "tf_emb.optimizers",
    "LazySGD": "tf_emb.optimizers",
    "NegativeSampling": "tf_emb.layers",
    "OneHotDense": "tf_emb.layers",
    "ProjectorCallback": "tf_emb.projector.callback",
    "Word2Vec": "tf_emb.word2vec",
    "Draws": "tf_emb.corpus",
    "Vocabulary": "tf_emb.corpus",
    "skipgram_draws": "tf_emb.corpus",
    "EncodedCorpus": "tf_emb.corpus",
    "count_vocabulary": "tf_emb.corpus",
    "encode_corpus": "tf_emb.corpus",
    "prepare": "tf_emb.corpus",
    "analogies": "tf_emb.evaluate",
    "word_pairs": "tf_emb.evaluate",
    "convert_vectors": "tf_emb.vectors",
    "check_projection": "tf_emb.projector.check",
    "log_projection": "tf_emb.projector.log",
    "load_vectors": "tf_emb.vectors",
    "save_vectors": "tf_emb.vectors",
    "Vectors": "tf_emb.vectors",
}
_SUBPACKAGES = ("corpus", "evaluate", "layers", "methods", "optimizers", "projector", "vectors", "word2vec")

__version__ = "0.1.0"
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"tf_emb.{name}")
    raise AttributeError(f"module 'tf_emb' has no attribute {name!r}; it has {', '.join(sorted(_HOMES))}.")


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted([*_HOMES, *_SUBPACKAGES, "__version__"])
