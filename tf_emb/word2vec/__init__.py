"""word2vec in TensorFlow: `Word2Vec` trains by blocks, fast; `ExactTrainer` one example after another."""

from tf_emb.word2vec.checkpoints import Checkpoints
from tf_emb.word2vec.early_stopping import EarlyStopping
from tf_emb.word2vec.exact import ExactTrainer, Examples, example_loss, linear_rates
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.progress import Progress
from tf_emb.word2vec.tables import start_tables
from tf_emb.word2vec.word2vec import Word2Vec

__all__ = [
    "Checkpoints",
    "EarlyStopping",
    "ExactTrainer",
    "Examples",
    "Options",
    "Progress",
    "Word2Vec",
    "example_loss",
    "linear_rates",
    "start_tables",
]
