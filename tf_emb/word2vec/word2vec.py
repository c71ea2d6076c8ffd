"""`Word2Vec`: from a corpus to vectors."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import EncodedCorpus, Vocabulary, encode_corpus, prepare
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.state import load_state, save_state
from tf_emb.word2vec.train_block import BlockTrainer
from tf_emb.word2vec.training import Callback, Training

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from tf_emb.layers import Embedding


class Word2Vec:
    """word2vec in TensorFlow: skip-gram and CBOW, with three losses, trained by a GradientTape.

    Args:
        options: an `Options`; or give its fields by name.
        **kwargs: fields of `Options`, where no `options` are given.

    Attributes:
        vocabulary: the words, after `build`.
        tables: the input table (vocab, dim), which holds the word vectors, and the output table; TensorFlow variables.
        training: the last training, after `fit`.

    Raises:
        ValueError: an option is out of its range.

    Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space" and "Distributed Representations
    of Words and Phrases"; docs/word2vec.md says how training by blocks differs from training pair by pair.
    """

    vocabulary: Vocabulary
    tables: tuple[Any, Any]
    training: Training

    def __init__(self, options: Options | None = None, **kwargs: Any) -> None:
        if options is not None and kwargs:
            raise ValueError(f"`options` must be given alone; got {', '.join(kwargs)} beside them. Use one of the two.")
        self.options = Options(**kwargs) if options is None else options

    def build(self, vocabulary: Vocabulary, vectors: "KeyedVectors | None" = None) -> None:
        """Create the tables: input uniform in (-1/2, 1/2) / dim, output zeros (word2vec.c, InitNet).

        Args:
            vocabulary: the words and their counts.
            vectors: words found there start from these vectors instead.

        Raises:
            ValueError: `vectors` have another size.
        """
        shape = (len(vocabulary), self.options.dim)
        start = (np.random.default_rng(self.options.seed).random(shape, np.float32) - 0.5) / np.float32(shape[1])
        if vectors is not None:
            if vectors.vector_size != shape[1]:
                raise ValueError(f"`vectors` must have size {shape[1]}, that of `dim`; got {vectors.vector_size}.")
            for i, word in enumerate(vocabulary.words):
                if word in vectors:
                    start[i] = vectors[word]
        self.vocabulary = vocabulary
        self.tables = (tf.Variable(start), tf.Variable(tf.zeros(shape)))

    def fit(self, corpus: Any, callbacks: Sequence[Callback] = ()) -> "Word2Vec":
        """Train on a corpus; a second call trains the tables further, with a learning rate that starts again.

        Args:
            corpus: an `EncodedCorpus`, or what `prepare` takes: a file, a stream, lists of tokens.
            callbacks: called with a `Progress` after every chunk; one that returns True ends the training there.

        Returns:
            This object.

        Raises:
            ValueError: the corpus cannot be read, or leaves no word.
        """
        of = self._encoded(corpus)
        self.training = Training(of.ids, of.raw_words, self.options)
        return self._run(callbacks)

    def resume(self, corpus: Any, callbacks: Sequence[Callback] = ()) -> "Word2Vec":
        """Go on with a training that was stopped, on the same corpus.

        Raises:
            ValueError: there is nothing to go on with, or the corpus is another.
        """
        if not hasattr(self, "training"):
            raise ValueError("`resume` must follow a `fit` that was stopped, or `load`; got neither. Use `fit`.")
        of = self._encoded(corpus)
        stopped, self.training = self.training, Training(of.ids, of.raw_words, self.options)
        self.training.done, self.training.sums = stopped.done, stopped.sums
        return self._run(callbacks)

    def _run(self, callbacks: Sequence[Callback]) -> "Word2Vec":
        self.training.run(BlockTrainer(self.tables, self.vocabulary.counts, self.options), callbacks)
        return self

    def _encoded(self, corpus: Any) -> EncodedCorpus:
        """Return ids of this model's vocabulary; without one yet, take the corpus' own."""
        if hasattr(self, "vocabulary"):
            same = isinstance(corpus, EncodedCorpus) and corpus.vocabulary.words == self.vocabulary.words
            return corpus if same else encode_corpus(corpus, self.vocabulary)
        if not isinstance(corpus, EncodedCorpus):
            corpus = prepare(corpus, min_count=self.options.min_count, max_vocab=self.options.max_vocab)
        self.build(corpus.vocabulary)
        return corpus

    def extend(self, vocabulary: Vocabulary) -> None:
        """Take a new vocabulary, for more text: known words keep their rows, new ones start as in `build`.

        With hierarchical softmax the output rows belong to a tree of the old counts, and start anew.

        Args:
            vocabulary: the words and counts from now on; words that are not in it are dropped.
        """
        old = self.vocabulary.ids
        held = [table.numpy() for table in self.tables]
        self.build(vocabulary)
        kept = [(new, old[word]) for new, word in enumerate(vocabulary.words) if word in old]
        into, of = (np.array(side, np.int64) for side in zip(*kept, strict=True)) if kept else ([], [])
        for table, rows in zip(
            self.tables[: 1 if self.options.loss == "hierarchical-softmax" else 2], held, strict=False
        ):
            values = table.numpy()
            values[into] = rows[of]
            table.assign(values)

    @property
    def losses(self) -> list[float]:
        """Mean loss of every epoch of the last training, in nats a pair (skip-gram) or centre (CBOW)."""
        return self.training.losses

    def vectors(self) -> "KeyedVectors":
        """Return the word vectors as gensim's KeyedVectors, with counts."""
        from tf_emb.vectors import to_keyed_vectors

        return to_keyed_vectors(self.vocabulary.words, self.tables[0].numpy(), self.vocabulary.counts)

    def embedding(self, freeze: bool = True, **kwargs: Any) -> "Embedding":
        """Return the word vectors as a Keras layer; row i is that of `vocabulary.words[i]`."""
        from tf_emb.layers import Embedding

        return Embedding.from_pretrained(self.tables[0].numpy(), freeze, **kwargs)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything that `load` and `resume` need: tables, words, options, and how far the training has come."""
        tables = [table.numpy() for table in self.tables]
        save_state(path, {"options": self.options, "vocabulary": self.vocabulary, "tables": tables,
                          "done": self.training.done, "sums": self.training.sums})  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Word2Vec":
        """Return what `save` wrote.

        Raises:
            ValueError: `path` is no such file.
        """
        state = load_state(path)
        model = cls(state["options"])
        model.vocabulary = state["vocabulary"]
        model.tables = tuple(tf.Variable(table) for table in state["tables"])
        model.training = Training(np.zeros(0, np.int32), 0, model.options, state["done"], state["sums"])
        return model
