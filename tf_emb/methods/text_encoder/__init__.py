"""Contextual vectors: BERT's encoder in Keras, the pretrained all-MiniLM-L6-v2, a masked language model.

Vaswani et al. 2017, "Attention Is All You Need"; Devlin et al. 2019, "BERT"; Reimers and Gurevych 2019.
"""

from tf_emb.methods.text_encoder.encoder import Encoder
from tf_emb.methods.text_encoder.masked import MaskedLanguageModel, train_masked
from tf_emb.methods.text_encoder.sentences import TextEncoder
from tf_emb.methods.text_encoder.wordpiece import WordPiece

__all__ = ["Encoder", "MaskedLanguageModel", "TextEncoder", "WordPiece", "train_masked"]
