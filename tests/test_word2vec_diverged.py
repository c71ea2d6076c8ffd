"""Vectors that grow without bound: where the defaults keep them, and that a training which leaves them says so."""

import numpy as np
import pytest

from tf_emb.corpus import lee_background
from tf_emb.word2vec import Word2Vec

# Every word is frequent, and no word is left out: what a step of the full softmax bears least.
FREQUENT = {"loss": "full-softmax", "dim": 20, "max_vocab": 200, "sample": 0, "epochs": 2}


def test_the_full_softmax_keeps_finite_by_the_blocks_that_are_its_default() -> None:
    first, last = Word2Vec(**FREQUENT).fit(lee_background()).losses
    assert last < first < np.log(200)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (FREQUENT | {"blocks": 32}, r"got 0\.03\. Use 0\.015 or less, .* or fewer `blocks`"),
        ({"rate": 1e30, "epochs": 1}, r"got 1e\+30\. Use 0\.03 or less"),
        ({"model": "cbow", "rate": 1e30, "epochs": 1, "threads": 2}, r"got 1e\+30\. Use 0\.15 or less"),
    ],
)
def test_a_training_that_diverges_is_refused_with_a_remedy(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=r"`rate` must be small enough that vectors stay finite; " + said):
        Word2Vec(**options).fit(lee_background())


def test_a_table_that_is_not_finite_is_seen_though_no_loss_was() -> None:
    model = Word2Vec(dim=8, epochs=1, blocks=2)

    def spoil(progress: object) -> None:
        table = model.tables[1]
        table.scatter_nd_update([[len(model.vocabulary) - 1, 0]], [np.inf])

    model.fit(lee_background(), [lambda progress: None])
    with pytest.raises(ValueError, match="stay finite"):
        model.fit(lee_background()[:1], [spoil]).fit([[model.vocabulary.words[0]] * 2])
