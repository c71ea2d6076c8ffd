"""How good vectors are: judged by people's word pairs and analogies, and by themselves as a representation."""

from tf_emb.evaluate.analogies import Analogies, Section, analogies
from tf_emb.evaluate.pairs import WordPairs, word_pairs
from tf_emb.evaluate.representation import Representation, representation

__all__ = ["Analogies", "Representation", "Section", "WordPairs", "analogies", "representation", "word_pairs"]
