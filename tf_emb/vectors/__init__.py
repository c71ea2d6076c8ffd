"""Labels and a table as gensim's `KeyedVectors`, and as files: word2vec text and binary, GloVe, NumPy, safetensors."""

from tf_emb.vectors.convert import convert_vectors
from tf_emb.vectors.files import check_path, load_vectors, save_vectors
from tf_emb.vectors.keyed import to_keyed_vectors

__all__ = ["check_path", "convert_vectors", "load_vectors", "save_vectors", "to_keyed_vectors"]
