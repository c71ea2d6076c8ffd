"""`Word2Vec`: from a corpus to vectors, by blocks."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import EncodedCorpus, Vocabulary, as_encoded
from tf_emb.corpus.pairs import check_pairs
from tf_emb.corpus.vocabulary import checked_vocabulary
from tf_emb.vectors import Vectors
from tf_emb.word2vec.blocks.chunks import BlockTrainer, Evaluator
from tf_emb.word2vec.early_stopping import keeping_best
from tf_emb.word2vec.habits import AnswersHabits, answering_habits
from tf_emb.word2vec.learnable import check_held_out, warn_if_nothing_learned
from tf_emb.word2vec.memory import check_tables, step_places
from tf_emb.word2vec.options import Architecture, CbowGradient, Loss, Options, Window, chosen
from tf_emb.word2vec.progress import Callback, Training
from tf_emb.word2vec.state import State, load_state, save_state
from tf_emb.word2vec.tables import Masks, as_tensors, carried_over, masks, start_tables, started_from
from tf_emb.word2vec.texts import difference, identity

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from tf_emb.layers import Embedding


class Word2Vec(AnswersHabits):
    """word2vec by blocks: skip-gram or CBOW with one of three losses; `Word2Vec(dim=300).fit("text.txt").vectors()`.

    Args:
        options: an `Options` with all that follows, in place of it.
        model: "skipgram" predicts each context word from the centre; "cbow" the centre from the mean of its context.
        loss: "negative-sampling", "hierarchical-softmax" or "full-softmax".
        dim: size of a vector.
        window: largest radius of a window, in kept words.
        window_kind: "shrinking" draws each centre's radius from 1..window; "fixed" always takes `window`.
        forward_only: whether context words stand only to the right of their centre.
        negatives: noise words per pair.
        ns_exponent: noise words are drawn with probability proportional to count^ns_exponent.
        sample: subsampling threshold, a relative frequency; 0 keeps every word.
        min_count: leave out words that occur less often.
        max_vocab: keep only this many of the most frequent words; None for all.
        cbow_gradient: "exact" divides a centre's error among its context words, "word2vec.c" gives each all of it.
        epochs: passes over the corpus.
        rate: learning rate at the start, which falls linearly; None for 0.03 (skipgram) or 0.15 (cbow).
        floor: lowest learning rate, as a share of `rate`.
        threads: training loops that run at once, on the same tables without locks; 1 is reproducible bit for bit.
        seed: seed of every random draw.
        block: consecutive centres that share their noise words; 0 for 24 (skipgram) or 32 (cbow).
        blocks: blocks per step, each from another part of the text; 0 for 32, or 4 with the full softmax.
        shared_noise: noise words per block, weighted negatives / shared_noise; 0 for 32 (skipgram) or 16 (cbow).
        limit: a row moves by at most this many times the mean of its gradients in a step.

    Attributes:
        options: the `Options`, with the sizes that 0 stands for.
        vocabulary: the words, after `build`.
        tables: input table (vocab, dim), which holds the word vectors, and output table; TensorFlow variables.
        training: the last training, after `fit`.
        frozen: rows of the two tables that are not trained, bool (vocab,); see `freeze`.

    Raises:
        ValueError: an option breaks its rule.
        TypeError: there is no such option; one of gensim's is answered with how it is written here.

    Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space" and "Distributed Representations
    of Words and Phrases"; docs/word2vec.md says how training by blocks differs from training pair by pair.
    """

    vocabulary: Vocabulary
    tables: tuple[Any, Any]
    training: Training
    frozen: Masks

    @answering_habits
    def __init__(
        self,
        options: Options | None = None,
        /,
        *,
        model: Architecture = "skipgram",
        loss: Loss = "negative-sampling",
        dim: int = 100,
        window: int = 5,
        window_kind: Window = "shrinking",
        forward_only: bool = False,
        negatives: int = 5,
        ns_exponent: float = 0.75,
        sample: float = 1e-3,
        min_count: int = 5,
        max_vocab: int | None = None,
        cbow_gradient: CbowGradient = "exact",
        epochs: int = 5,
        rate: float | None = None,
        floor: float = 1e-4,
        threads: int = 1,
        seed: int = 0,
        block: int = 0,
        blocks: int = 0,
        shared_noise: int = 0,
        limit: float = 6.0,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "options")}
        self.options = chosen(options, given)
        self._measure: Evaluator | None = None

    def build(
        self, vocabulary: Vocabulary, vectors: "Vectors | KeyedVectors | None" = None, *, frozen: Iterable[str] = ()
    ) -> None:
        """Create the tables, see `start_tables`.

        Args:
            vocabulary: the words and their counts.
            vectors: words found here start from these vectors instead.
            frozen: words whose input vectors are not trained, see `freeze`.

        Raises:
            ValueError: `vectors` have another size or are not finite, a frozen word is not in the vocabulary, or memory
                is too small.
        """
        vocabulary = checked_vocabulary(vocabulary)
        check_tables(len(vocabulary), self.options.dim, step_places(self.options))
        start, output = start_tables(len(vocabulary), self.options.dim, self.options.seed)
        if vectors is not None:
            start = started_from(start, vocabulary, vectors)
        self.frozen = masks(vocabulary, frozen)
        self.vocabulary = vocabulary
        self.tables = (tf.Variable(start), tf.Variable(output))

    def freeze(self, words: Iterable[str], *, output: Iterable[str] = ()) -> None:
        """Keep the vectors of some words to the bit while others are trained; `freeze([])` trains all again.

        Args:
            words: words whose input vectors, the word vectors, are frozen.
            output: words whose output vectors are frozen.

        Raises:
            ValueError: a word is not in the vocabulary; or output rows are inner nodes of a tree, not words.
        """
        self.frozen = masks(self.vocabulary, words, output, self.options.loss)

    def fit(self, corpus: Any, callbacks: Sequence[Callback] = (), *, held_out: Any = None) -> "Word2Vec":
        """Train on a corpus, and return this model; a second call trains further, at a learning rate that starts again.

        After Ctrl-C, or where a callback ended it, the training stands between two chunks: `save` and `resume` go on
        from there, and no chunk is repeated or left out.

        Args:
            corpus: an `EncodedCorpus`, or what `prepare` takes: a file, a stream, lists of tokens.
            callbacks: called with a `Progress` after every chunk, in the thread that trained it; one that returns True
                ends the training there. `Checkpoints` writes the training down while it goes on.
            held_out: another text, which `evaluate` measures after every epoch; threads then wait for each other.

        Raises:
            ValueError: the corpus cannot be read, or leaves no word; or the vectors do not stay finite.
        """
        of = self._encoded(corpus)
        measured = None if held_out is None else self._encoded(held_out, "held_out")
        self.begin(of, held_out=measured)
        return self._run(callbacks, measured)

    def begin(self, corpus: Any, *, held_out: Any = None, notes: Mapping[str, Any] | None = None) -> None:
        """Set up a training with nothing done, so that `save` keeps it from the start; `resume` trains.

        Args:
            corpus: see `fit`.
            held_out: see `fit`.
            notes: kept with the training: strings, numbers, lists and None, by name.

        Raises:
            ValueError: the corpus cannot be read, or leaves no word.
        """
        of = self._encoded(corpus)
        measured = None if held_out is None else self._encoded(held_out, "held_out")
        texts = {"corpus": identity(of), "held out": identity(measured)}
        self.training = Training(of.ids, of.raw_words, self.options, texts=texts, notes=dict(notes or {}))

    def resume(self, corpus: Any, callbacks: Sequence[Callback] = (), *, held_out: Any = None) -> "Word2Vec":
        """Resume a training that was stopped, on the same corpus, and with the same held-out text if it had one.

        Raises:
            ValueError: there is nothing to resume, or a text is another than that which the training began with.
        """
        if not hasattr(self, "training"):
            raise ValueError("`resume` must follow a `fit` that was stopped, or `load`; got neither. Use `fit`.")
        of = self._encoded(corpus)
        measured = None if held_out is None else self._encoded(held_out, "held_out")
        going_on = replace(self.training, ids=of.ids, raw_words=of.raw_words)
        _check_same(going_on, {"corpus": identity(of), "held out": identity(measured)})
        self.training = going_on
        return self._run(callbacks, measured)

    def _run(self, callbacks: Sequence[Callback], held_out: EncodedCorpus | None) -> "Word2Vec":
        measure = None if held_out is None else partial(self._evaluator().loss, held_out.ids)
        check_held_out(held_out, self.options, measure)
        trainer = BlockTrainer(self.tables, self.vocabulary.counts, self.options, as_tensors(self.frozen))
        with keeping_best(callbacks, held_out, self.training, self.tables) as every:
            self.training.run(trainer, every, measure)
        warn_if_nothing_learned(self.training)
        return self

    def evaluate(self, corpus: Any) -> float:
        """Return the training loss on a text, in mean nats per pair (skip-gram) or centre (CBOW), without training.

        Its draws follow from `seed` and the place in the text, so that the same text and tables give the same number.
        Losses of different kinds cannot be compared; `tf_emb.word2vec.likelihood.log_likelihood` can.

        Args:
            corpus: an `EncodedCorpus` of this vocabulary, or what `prepare` takes; unknown words are left out.

        Raises:
            ValueError: there are no tables yet; the corpus cannot be read, or has no pair.
        """
        if not hasattr(self, "vocabulary"):
            raise ValueError("`evaluate` must follow `fit`, `build` or `load`; got none. Use `fit`.")
        return self._evaluator().loss(self._encoded(corpus).ids)

    def _evaluator(self) -> Evaluator:
        if self._measure is None or self._measure.tables is not self.tables:
            self._measure = Evaluator(self.tables, self.vocabulary.counts, self.options)
        return self._measure

    def _encoded(self, corpus: Any, argument: str = "corpus") -> EncodedCorpus:
        """Encode a text with this model's vocabulary, or build the tables for that of the text.

        Raises:
            ValueError: it cannot be read, or no word in it has a neighbour, so that there is nothing to learn.
        """
        known = getattr(self, "vocabulary", None)
        encoded = as_encoded(corpus, known, min_count=self.options.min_count, max_vocab=self.options.max_vocab)
        check_pairs(encoded, argument)
        if known is None:
            self.build(encoded.vocabulary)
        return encoded

    def extend(self, vocabulary: Vocabulary) -> None:
        """Change the vocabulary: known words keep their rows and stay frozen, new ones start as in `build`.

        With hierarchical softmax the output rows belong to a tree over the old counts, and start again.

        Args:
            vocabulary: the new words and counts; words that are not in it are dropped.

        Raises:
            ValueError: there are no tables yet, or `vocabulary` has no words.
        """
        if not hasattr(self, "vocabulary"):
            raise ValueError("`extend` must follow `fit`, `build` or `load`; got none. Use `fit`.")
        old, frozen, held = self.vocabulary, self.frozen, [table.numpy() for table in self.tables]
        self.build(vocabulary)
        tables = self.tables[:1] if self.options.loss == "hierarchical-softmax" else self.tables
        for table, rows in zip(tables, held, strict=False):
            table.assign(carried_over(rows, table.numpy(), old, vocabulary))
        for mask, before in zip(self.frozen, frozen, strict=True):
            carried_over(before, mask, old, vocabulary)

    @property
    def losses(self) -> list[float]:
        """Mean loss of every epoch of the last training, in nats per pair (skip-gram) or centre (CBOW)."""
        return self.training.losses

    @property
    def held_out_losses(self) -> list[float]:
        """Loss on the held-out text after every epoch of the last training, in nats per pair or centre."""
        return self.training.held_out_losses

    def vectors(self) -> Vectors:
        """Return the word vectors, with their counts."""
        return Vectors(self.vocabulary.words, self.tables[0].numpy(), {"count": self.vocabulary.counts})

    def embedding(self, freeze: bool = True, **kwargs: Any) -> "Embedding":
        """Return the word vectors as a Keras layer; row i is that of `vocabulary.words[i]`."""
        from tf_emb.layers import Embedding

        return Embedding.from_pretrained(self.tables[0].numpy(), freeze, **kwargs)

    def state(self) -> State:
        """Return a copy of all that `load` and `resume` need, at a true point of the training.

        While another thread trains: a point between two chunks with one thread; with several, the chunks that are
        finished count, and the rows hold a part of those under way, which are trained again after `load`.
        """
        of = self.training
        with of.alone:
            return State(
                self.options,
                self.vocabulary,
                [np.array(table.numpy()) for table in self.tables],
                self.frozen,
                of.done,
                of.sums.copy(),
                list(of.held_out_losses),
                of.best,
                frozenset(of.ahead),
                of.texts,
                of.notes,
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that `load` and `resume` need: tables, words, options, and how far the training has come.

        The file carries a checksum. It may be written while the training goes on, see `state`.
        """
        save_state(path, self.state())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Word2Vec":
        """Return what `save`, or `Checkpoints`, wrote.

        Raises:
            ValueError: `path` is not such a file, or has been cut short or altered.
            FileNotFoundError: there is no such file.
        """
        return cls.of_state(load_state(path))

    @classmethod
    def of_state(cls, state: State) -> "Word2Vec":
        """Return a model at that point of its training."""
        model = cls(state.options)
        model.vocabulary = state.vocabulary
        model.tables = (tf.Variable(state.tables[0]), tf.Variable(state.tables[1]))
        model.frozen = state.frozen
        model.training = Training(
            np.zeros(0, np.int32),
            0,
            model.options,
            state.done,
            state.sums,
            list(state.held_out_losses),
            state.best,
            set(state.ahead),
            state.texts,
            state.notes,
        )
        return model


def _check_same(training: Training, now: dict[str, Any]) -> None:
    """Refuse to go on with another text than that which a training began with."""
    nothing_left = training.finished == training.planned
    for text, argument in [("corpus", "corpus")] if nothing_left else [("corpus", "corpus"), ("held out", "held_out")]:
        if text in training.texts and (how := difference(training.texts[text], now[text])):
            raise ValueError(
                f"`{argument}` must be the text that the training began with; {how}. Give that text, or use `fit`."
            )
    if max([training.done - 1, *training.ahead]) >= max(training.planned, 1):
        raise ValueError(
            f"`corpus` must have all the chunks that are finished; got {training.planned} of them, and {training.done} "
            "are. Give the text that the training began with, or use `fit`."
        )
