"""`fit` on a real task: which of two newsgroups a message was posted to, told by the words of its body.

gensim ships 200 messages of 20 Newsgroups (alt.atheism and sci.space), as a pickle of scikit-learn's that is read here
without unpickling anything: its strings are the messages, and one of them holds the labels as int64.
"""

import pickletools
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from gensim.test.utils import datapath

from tf_emb.corpus import Vocabulary
from tf_emb.layers import Embedding, EmbeddingBag
from tf_emb.optimizers import LazyAdam

TRAINED, TIME, DIM, PADDING = 140, 200, 16, 0


@pytest.fixture(scope="module")
def messages() -> tuple[list[list[str]], np.ndarray]:
    """The words of each body, the headers (which name the newsgroup) left out; and its label."""
    strings = [
        (op.name, value)
        for op, value, _ in pickletools.genops(zlib.decompress(Path(datapath("mini_newsgroup")).read_bytes()))
    ]
    texts = [value for name, value in strings if name == "UNICODE" and "\n\n" in value]
    (labels,) = [value for name, value in strings if name == "STRING" and len(value) == 8 * len(texts)]
    bodies = [re.findall(r"[a-z]+", text.partition("\n\n")[2].lower()) for text in texts]
    # One body is empty, and Keras' pooling divides 0 by 0 there; EmbeddingBag gives zeros.
    filled = [i for i, body in enumerate(bodies) if len(body) > 5]
    return [bodies[i] for i in filled], np.frombuffer(labels.encode("latin1"), "<i8")[filled]


def bag(vocab: int) -> list[Any]:
    return [EmbeddingBag(vocab, DIM, padding_idx=PADDING)]


def pooled(vocab: int) -> list[Any]:
    return [Embedding(vocab, DIM, padding_idx=PADDING, mask_zero=True), keras.layers.GlobalAveragePooling1D()]


@pytest.mark.parametrize("make", [bag, pooled])
@pytest.mark.parametrize(
    "optimizer", [lambda: keras.optimizers.Adam(0.03), lambda: LazyAdam(0.03)], ids=["Adam", "LazyAdam"]
)
def test_a_classifier_learns_from_labelled_documents(messages: Any, make: Any, optimizer: Callable[[], Any]) -> None:
    bodies, labels = messages
    keras.utils.set_random_seed(0)
    vocabulary = Vocabulary.build(bodies[:TRAINED], min_count=3)
    ids = np.full((len(bodies), TIME), PADDING)
    for i, body in enumerate(bodies):
        known = vocabulary.encode(body)[:TIME] + 1
        ids[i, : len(known)] = known
    model = keras.Sequential(
        [keras.Input((TIME,), dtype="int32"), *make(len(vocabulary) + 1), keras.layers.Dense(1, "sigmoid")]
    )
    model.compile(optimizer(), "binary_crossentropy", metrics=["accuracy"])
    model.fit(ids[:TRAINED], labels[:TRAINED], epochs=15, batch_size=20, verbose=0)
    _, held_out = model.evaluate(ids[TRAINED:], labels[TRAINED:], verbose=0)
    # Of 59 held-out messages a coin gets 43 or more right less than once in 2,000 draws.
    assert held_out >= 43 / 59
