"""What gensim calls things, and how they are written here: answers to arguments and attributes of its Word2Vec."""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from tf_emb.word2vec.options import Options

P = ParamSpec("P")
FIT = "the corpus goes to `fit`: Word2Vec(...).fit(sentences)"
RENAMED = {"vector_size": "dim", "size": "dim", "alpha": "rate", "workers": "threads", "iter": "epochs",
           "max_vocab_size": "max_vocab", "max_final_vocab": "max_vocab"}  # fmt: skip
WRITTEN: dict[str, Callable[[Any], str]] = {
    "sentences": lambda value: FIT,
    "corpus_file": lambda value: 'the corpus goes to `fit`: Word2Vec(...).fit("text.txt")',
    "callbacks": lambda value: "callbacks go to `fit`: Word2Vec(...).fit(sentences, callbacks)",
    "sg": lambda value: f"Word2Vec(model={'skipgram' if value else 'cbow'!r})",
    "hs": lambda value: f"Word2Vec(loss={'hierarchical-softmax' if value else 'negative-sampling'!r})",
    "negative": lambda value: f"Word2Vec(negatives={value!r})" if value else "Word2Vec(loss='hierarchical-softmax')",
    "min_alpha": lambda value: "the lowest rate is `floor` here, as a share of `rate`: 0.004 for gensim's defaults",
    "cbow_mean": lambda value: "CBOW always takes the mean" + ("" if value else ", there is no sum") + ": leave it out",
    "shrink_windows": lambda value: f"Word2Vec(window_kind={'shrinking' if value else 'fixed'!r})",
    "compute_loss": lambda value: "the loss is always computed, see `losses`: leave it out",
    "batch_words": lambda value: "chunks have a fixed size: leave it out",
    "sorted_vocab": lambda value: "the vocabulary is always sorted by count: leave it out",
    "trim_rule": lambda value: "build the vocabulary yourself: model.build(Vocabulary(words, counts))",
    "hashfxn": lambda value: "vectors start from `seed` alone: leave it out",
    "null_word": lambda value: "there is no such word: leave it out",
    "comment": lambda value: "a model has no comment: leave it out",
}
ATTRIBUTES = {
    "wv": "model.vectors()",
    "train": "model.fit(sentences), or model.resume(sentences) after a stop",
    "build_vocab": "model.fit(sentences), which builds it, or model.build(Vocabulary.build(sentences))",
    "syn1neg": "model.tables[1]",
    "syn1": "model.tables[1]",
    "vector_size": "model.options.dim",
    "get_latest_training_loss": "model.losses",
    "most_similar": "model.vectors().most_similar(word)",
}
AFTER_FIT = ("vocabulary", "tables", "training", "frozen", "losses", "held_out_losses")


def answering_habits(init: Callable[P, None]) -> Callable[P, None]:
    """Return a constructor that answers a wrong argument with how it is written here.

    Raises (by the constructor that is returned):
        TypeError: a positional argument is a corpus, or a keyword is gensim's or none.
    """
    known = list(inspect.signature(init).parameters)[1:]

    @wraps(init)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        if len(args) > 2 or (len(args) == 2 and not isinstance(args[1], Options | None)):
            raise TypeError("Word2Vec(sentences) is written Word2Vec(...).fit(sentences) here; options go by name.")
        wrong = {name: value for name, value in kwargs.items() if name not in known}
        if wrong:
            raise TypeError(" ".join(_keyword(name, value, known) for name, value in wrong.items()))
        init(*args, **kwargs)

    return checked


def _keyword(name: str, value: Any, known: list[str]) -> str:
    if name in RENAMED:
        return f"`{name}` is called `{RENAMED[name]}` here: Word2Vec({RENAMED[name]}={value!r})."
    if name in WRITTEN:
        here = WRITTEN[name](value)
        return f"`{name}={value!r}` is written {here} here." if here.startswith("Word2Vec") else f"`{name}`: {here}."
    near = get_close_matches(name, known, 1)
    return f"`{name}` is not an option of Word2Vec.{f' Is it `{near[0]}`?' if near else ' See help(Word2Vec).'}"


class AnswersHabits:
    """Answers a wrong attribute with how it is written here, or with when it exists."""

    if not TYPE_CHECKING:  # a type checker reports unknown attributes itself

        def __getattr__(self, name: str) -> Any:
            """Raise the AttributeError."""
            if name in ATTRIBUTES:
                raise AttributeError(f"`{name}` is written {ATTRIBUTES[name]} here.")
            if name in AFTER_FIT:
                raise AttributeError(f"`{name}` exists after `fit`, `build` or `load`; got none of them. Use `fit`.")
            raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}. See help(Word2Vec).")
