"""`Word2Vec`: from a corpus to vectors."""

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import EncodedCorpus, Vocabulary, encode_corpus, prepare
from tf_emb.vectors import Vectors
from tf_emb.word2vec.blocks.loss import Evaluator
from tf_emb.word2vec.blocks.trainer import BlockTrainer
from tf_emb.word2vec.early_stopping import early_stopping, keep_best, restore_best
from tf_emb.word2vec.frozen import Masks, as_tensors, masks
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.state import load_state, save_state
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
        frozen: which rows of the two tables do not move, bool (vocab,); see `freeze`.

    Raises:
        ValueError: an option is out of its range.

    Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space" and "Distributed Representations
    of Words and Phrases"; docs/word2vec.md says how training by blocks differs from training pair by pair.
    """

    vocabulary: Vocabulary
    tables: tuple[Any, Any]
    training: Training
    frozen: Masks

    def __init__(self, options: Options | None = None, **kwargs: Any) -> None:
        if options is not None and kwargs:
            raise ValueError(f"`options` must be given alone; got {', '.join(kwargs)} beside them. Use one of the two.")
        self.options = Options(**kwargs) if options is None else options
        self._measure: Evaluator | None = None

    def build(
        self, vocabulary: Vocabulary, vectors: "Vectors | KeyedVectors | None" = None, *, frozen: Iterable[str] = ()
    ) -> None:
        """Create the tables: input uniform in (-1/2, 1/2) / dim, output zeros (word2vec.c, InitNet).

        Args:
            vocabulary: the words and their counts.
            vectors: words found there start from these vectors instead.
            frozen: words whose input vectors stay as they start, see `freeze`.

        Raises:
            ValueError: `vectors` have another size, or a frozen word is not in the vocabulary.
        """
        shape = (len(vocabulary), self.options.dim)
        start = (np.random.default_rng(self.options.seed).random(shape, np.float32) - 0.5) / np.float32(shape[1])
        if vectors is not None:
            if vectors.vector_size != shape[1]:
                raise ValueError(f"`vectors` must have size {shape[1]}, that of `dim`; got {vectors.vector_size}.")
            for i, word in enumerate(vocabulary.words):
                if word in vectors:
                    start[i] = vectors[word]
        self.frozen = masks(vocabulary, frozen)
        self.vocabulary = vocabulary
        self.tables = (tf.Variable(start), tf.Variable(tf.zeros(shape)))

    def freeze(self, words: Iterable[str], *, output: Iterable[str] = ()) -> None:
        """Let the vectors of some words stay as they are, to the bit, in every training from now on.

        The other words still learn beside them. A second call replaces the first: `freeze([])` lets all move.

        Args:
            words: whose input vectors, the word vectors, stay.
            output: whose output vectors stay.

        Raises:
            ValueError: a word is not in the vocabulary; or the output rows are inner nodes of a tree, not words.
        """
        self.frozen = masks(self.vocabulary, words, output, self.options.loss)

    def fit(self, corpus: Any, callbacks: Sequence[Callback] = (), *, held_out: Any = None) -> "Word2Vec":
        """Train on a corpus; a second call trains the tables further, with a learning rate that starts again.

        Args:
            corpus: an `EncodedCorpus`, or what `prepare` takes: a file, a stream, lists of tokens.
            callbacks: called with a `Progress` after every chunk; one that returns True ends the training there.
            held_out: another text; `evaluate` measures it after every pass, for `held_out_losses`, `Progress` and
                `EarlyStopping`. Each pass then ends in all threads before the next begins.

        Returns:
            This object.

        Raises:
            ValueError: the corpus cannot be read, or leaves no word; or the vectors do not stay finite.
        """
        of = self._encoded(corpus)
        self.training = Training(of.ids, of.raw_words, self.options)
        return self._run(callbacks, held_out)

    def resume(self, corpus: Any, callbacks: Sequence[Callback] = (), *, held_out: Any = None) -> "Word2Vec":
        """Go on with a training that was stopped, on the same corpus, and the same held-out text if it had one.

        Raises:
            ValueError: there is nothing to go on with, or the corpus is another.
        """
        if not hasattr(self, "training"):
            raise ValueError("`resume` must follow a `fit` that was stopped, or `load`; got neither. Use `fit`.")
        of = self._encoded(corpus)
        stopped, self.training = self.training, Training(of.ids, of.raw_words, self.options)
        self.training.done, self.training.sums = stopped.done, stopped.sums
        self.training.held_out_losses, self.training.best = stopped.held_out_losses, stopped.best
        return self._run(callbacks, held_out)

    def _run(self, callbacks: Sequence[Callback], held_out: Any) -> "Word2Vec":
        rule = early_stopping(callbacks, held_out)
        if rule is not None and rule.restore_best:
            callbacks = [keep_best(rule, self.training, self.tables), *callbacks]
        measure = None if held_out is None else partial(self._evaluator().loss, self._encoded(held_out).ids)
        trainer = BlockTrainer(self.tables, self.vocabulary.counts, self.options, as_tensors(self.frozen))
        self.training.run(trainer, callbacks, measure)
        if rule is not None and rule.restore_best:
            restore_best(rule, self.training, self.tables)
        return self

    def evaluate(self, corpus: Any) -> float:
        """Return the model's own loss on a text, in mean nats a pair (skip-gram) or centre (CBOW); nothing moves.

        The loss is that of training, subsampled as in training; the draws are fixed by the options' seed and the place
        in the text, so that the same text gives the same number for the same tables. Losses of different kinds cannot
        be compared; `tf_emb.word2vec.likelihood.log_likelihood` measures all skip-gram tables alike.

        Args:
            corpus: an `EncodedCorpus` of this vocabulary, or what `prepare` takes; unknown words are left out.

        Raises:
            ValueError: there are no tables yet; the corpus cannot be read, or has no pair.
        """
        if not hasattr(self, "vocabulary"):
            raise ValueError("`evaluate` must follow `fit`, `build` or `load`; got none. Use `fit`.")
        return self._evaluator().loss(self._encoded(corpus).ids)

    def _evaluator(self) -> Evaluator:
        """Return the compiled measure of these tables; `build` and `load` make others."""
        if self._measure is None or self._measure.tables is not self.tables:
            self._measure = Evaluator(self.tables, self.vocabulary.counts, self.options)
        return self._measure

    def _encoded(self, corpus: Any) -> EncodedCorpus:
        """Return ids of this model's vocabulary; without one yet, take the corpus' own."""
        if hasattr(self, "vocabulary"):
            if not isinstance(corpus, EncodedCorpus):
                return encode_corpus(corpus, self.vocabulary)
            if corpus.vocabulary.words != self.vocabulary.words:
                raise ValueError(
                    f"`corpus` must have this model's {len(self.vocabulary)} words; got another vocabulary of "
                    f"{len(corpus.vocabulary)}. Use encode_corpus(text, model.vocabulary)."
                )
            return corpus
        if not isinstance(corpus, EncodedCorpus):
            corpus = prepare(corpus, min_count=self.options.min_count, max_vocab=self.options.max_vocab)
        self.build(corpus.vocabulary)
        return corpus

    def extend(self, vocabulary: Vocabulary) -> None:
        """Take a new vocabulary, for more text: known words keep their rows, new ones start as in `build`.

        Frozen words stay frozen. With hierarchical softmax the output rows belong to a tree of the old counts, and
        start anew.

        Args:
            vocabulary: the words and counts from now on; words that are not in it are dropped.
        """
        old, frozen = self.vocabulary.ids, self.frozen
        held = [table.numpy() for table in self.tables]
        self.build(vocabulary)
        kept = [(new, old[word]) for new, word in enumerate(vocabulary.words) if word in old]
        into, of = np.array(kept, np.int64).reshape(-1, 2).T
        tables = self.tables[:1] if self.options.loss == "hierarchical-softmax" else self.tables
        for table, rows in zip(tables, held, strict=False):
            values = table.numpy()
            values[into] = rows[of]
            table.assign(values)
        for mask, before in zip(self.frozen, frozen, strict=True):
            mask[into] = before[of]

    @property
    def losses(self) -> list[float]:
        """Mean loss of every epoch of the last training, in nats a pair (skip-gram) or centre (CBOW)."""
        return self.training.losses

    @property
    def held_out_losses(self) -> list[float]:
        """Loss on the held-out text after every epoch of the last training, in nats a pair or centre."""
        return self.training.held_out_losses

    def vectors(self) -> Vectors:
        """Return the word vectors, with their counts."""
        return Vectors(self.vocabulary.words, self.tables[0].numpy(), {"count": self.vocabulary.counts})

    def embedding(self, freeze: bool = True, **kwargs: Any) -> "Embedding":
        """Return the word vectors as a Keras layer; row i is that of `vocabulary.words[i]`."""
        from tf_emb.layers import Embedding

        return Embedding.from_pretrained(self.tables[0].numpy(), freeze, **kwargs)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything that `load` and `resume` need: tables, words, options, and how far the training has come."""
        tables, of = [table.numpy() for table in self.tables], self.training
        save_state(path, {"options": self.options, "vocabulary": self.vocabulary, "tables": tables,
                          "frozen": self.frozen, "done": of.done, "sums": of.sums, "held out": of.held_out_losses,
                          "best": of.best})  # fmt: skip

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
        model.frozen = state["frozen"]
        model.training = Training(
            np.zeros(0, np.int32), 0, model.options, state["done"], state["sums"], state["held out"], state["best"]
        )
        return model
