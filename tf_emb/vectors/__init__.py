"""`Vectors`, labelled rows to search, and their files: word2vec text and binary, GloVe, NumPy, safetensors."""

from tf_emb.vectors.files import (
    check_destination,
    check_path,
    convert_vectors,
    load_vectors,
    save_vectors,
    to_keyed_vectors,
)
from tf_emb.vectors.vectors import Vectors, as_vectors

__all__ = [
    "Vectors",
    "as_vectors",
    "check_destination",
    "check_path",
    "convert_vectors",
    "load_vectors",
    "save_vectors",
    "to_keyed_vectors",
]
