"""From text to draws: sentences, ids, subsampling, windows, noise. NumPy only."""

from tf_emb.corpus.draws import Draws, skipgram_draws
from tf_emb.corpus.encode import EncodedCorpus, count_vocabulary, encode_corpus, prepare
from tf_emb.corpus.reader import gensim_file, lee_background, read_sentences
from tf_emb.corpus.subsample import keep_probability, subsample
from tf_emb.corpus.vocabulary import Vocabulary
from tf_emb.corpus.windows import skipgram_pairs
from tf_emb.ops.noise import draw_noise, noise_distribution

__all__ = [
    "Draws",
    "EncodedCorpus",
    "Vocabulary",
    "count_vocabulary",
    "draw_noise",
    "encode_corpus",
    "gensim_file",
    "keep_probability",
    "lee_background",
    "noise_distribution",
    "prepare",
    "read_sentences",
    "skipgram_draws",
    "skipgram_pairs",
    "subsample",
]
