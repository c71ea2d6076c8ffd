"""word2vec in TensorFlow, trained by a GradientTape."""

from tf_emb.word2vec.early_stopping import EarlyStopping
from tf_emb.word2vec.exact import ExactTrainer
from tf_emb.word2vec.exact_losses import example_loss
from tf_emb.word2vec.examples import Examples
from tf_emb.word2vec.losses import negative_sampling_loss
from tf_emb.word2vec.model import SkipGram
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.train import linear_rates, train_exact
from tf_emb.word2vec.training import Progress
from tf_emb.word2vec.word2vec import Word2Vec

__all__ = [
    "EarlyStopping",
    "ExactTrainer",
    "Examples",
    "Options",
    "Progress",
    "SkipGram",
    "Word2Vec",
    "example_loss",
    "linear_rates",
    "negative_sampling_loss",
    "train_exact",
]
