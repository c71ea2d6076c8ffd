"""How good vectors are: judged by people's word pairs and analogies, and by themselves as a representation."""

from tf_emb.evaluate.measures import Representation, representation
from tf_emb.evaluate.pairs import WordPairs, word_pairs
from tf_emb.evaluate.questions import Analogies, Section, analogies

__all__ = ["Analogies", "Representation", "Section", "WordPairs", "analogies", "representation", "word_pairs"]
