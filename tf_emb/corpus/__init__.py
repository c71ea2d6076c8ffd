"""From text to draws: sentences, ids, subsampling, windows, noise. NumPy only."""

from tf_emb.corpus.draws import Draws, skipgram_draws
from tf_emb.corpus.noise import draw_noise, noise_distribution
from tf_emb.corpus.reader import lee_background, read_sentences
from tf_emb.corpus.subsample import keep_probability, subsample
from tf_emb.corpus.vocabulary import Vocabulary
from tf_emb.corpus.windows import skipgram_pairs

__all__ = [
    "Draws",
    "Vocabulary",
    "draw_noise",
    "keep_probability",
    "lee_background",
    "noise_distribution",
    "read_sentences",
    "skipgram_draws",
    "skipgram_pairs",
    "subsample",
]
