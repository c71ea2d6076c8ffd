"""From text to training pairs: sentences, ids, subsampling, windows, noise words. NumPy only."""

from tf_emb.corpus.draws import Draws, keep_probability, skipgram_draws, skipgram_pairs, subsample
from tf_emb.corpus.encode import EncodedCorpus, as_encoded, count_vocabulary, encode_corpus, prepare
from tf_emb.corpus.source import gensim_file, lee_background, read_sentences
from tf_emb.corpus.vocabulary import Vocabulary
from tf_emb.ops.noise import draw_noise, noise_distribution

__all__ = [
    "Draws",
    "EncodedCorpus",
    "Vocabulary",
    "as_encoded",
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
