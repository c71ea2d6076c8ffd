"""How good vectors are beside human judgement: word pairs and analogies, the numbers of gensim in seconds."""

from tf_emb.evaluate.analogies import Analogies, Section, analogies
from tf_emb.evaluate.pairs import WordPairs, word_pairs

__all__ = ["Analogies", "Section", "WordPairs", "analogies", "word_pairs"]
