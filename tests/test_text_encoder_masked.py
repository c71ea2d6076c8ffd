"""The masked language model: what is hidden, its gradient, and that it learns."""

import numpy as np
import pytest
import tensorflow as tf

from tf_emb.methods.text_encoder.encoder import Encoder
from tf_emb.methods.text_encoder.masked import MaskedLanguageModel, hide, masked_loss, train_masked

MASK, FIRST, VOCAB = 4, 5, 25
RULES = {"mask_id": MASK, "first": FIRST}


def model(dtype="float32", **options):
    return MaskedLanguageModel(Encoder(VOCAB, 8, layers=1, heads=2, positions=12, seed=1, dtype=dtype, **options))


def sentences(rows, stride=3, seed=0):
    """A chain: each token is `stride` after the one before it; [CLS] = 2 in front, padding at the end of some."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, VOCAB - FIRST, rows)
    ids = FIRST + (starts[:, None] + stride * np.arange(10)) % (VOCAB - FIRST)
    ids = np.concatenate([np.full((rows, 1), 2), ids], axis=1)
    mask = np.arange(11) < rng.integers(6, 12, rows)[:, None]
    return np.where(mask, ids, 0), mask.astype(np.int64)


def test_hidden_tokens_follow_the_rule_of_80_10_10():
    ids, mask = sentences(4000)
    x = hide(ids, mask, np.random.default_rng(1), vocab_size=VOCAB, share=0.3, **RULES)
    rows = np.nonzero(x.counted)[0]
    places, words = x.places[x.counted > 0], x.words[x.counted > 0]
    assert np.array_equal(ids[rows, places], words)
    assert (words >= FIRST).all()
    assert len(set(zip(rows.tolist(), places.tolist(), strict=True))) == len(rows)
    assert np.array_equal(x.counted.sum(1), np.rint(0.3 * (mask.sum(1) - 1)))
    untouched = np.ones(ids.shape, bool)
    untouched[rows, places] = False
    assert np.array_equal(x.ids[untouched], ids[untouched])
    now, n = x.ids[rows, places], len(rows)
    # Shares of n draws, within five standard deviations; a drawn token is by chance the old one in 1 of 20.
    for found, p in (((now == MASK).mean(), 0.8), ((now == words).mean(), 0.1 + 0.1 / 20)):
        assert abs(found - p) < 5 * np.sqrt(p * (1 - p) / n)
    assert now.min() >= MASK
    assert now.max() < VOCAB


def test_a_sentence_hides_one_token_at_least_unless_it_has_none():
    ids, mask = np.array([[2, 7, 3, 0], [2, 3, 0, 0]]), np.array([[1, 1, 1, 0], [1, 1, 0, 0]])
    x = hide(ids, mask, np.random.default_rng(0), vocab_size=VOCAB, **RULES)
    assert x.counted.tolist() == [[1], [0]]
    assert x.words.tolist() == [[7], [0]]
    with pytest.raises(ValueError, match="`share` must be above 0 and at most 1; got 15"):
        hide(ids, mask, np.random.default_rng(0), vocab_size=VOCAB, share=15, **RULES)


def test_the_gradient_is_the_slope_of_the_loss():
    ids, mask = sentences(3)
    x = hide(ids, mask, np.random.default_rng(2), vocab_size=VOCAB, share=0.4, **RULES)
    masked, rng = model("float64"), np.random.default_rng(3)
    variables = masked.trainable_variables
    for v in variables:
        v.assign(v + rng.normal(size=v.shape) * 0.3)

    def loss():
        return masked_loss(masked((x.ids, x.attention_mask, x.places)), x.words, x.counted)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [v.value for v in variables])
    assert len(gradients) == 3 + 2 + 16 + 1
    for v, gradient in zip(variables, gradients, strict=True):
        way, step, start = rng.normal(size=v.shape), 1e-5, v.numpy()
        sides = []
        for sign in (1, -1):
            v.assign(start + sign * step * way)
            sides.append(float(loss()))
        v.assign(start)
        # The central difference is off by step^2 / 6 of the third derivative, and 2^-53 / step of rounding.
        slope = (sides[0] - sides[1]) / (2 * step)
        assert slope == pytest.approx(float(np.sum(np.asarray(gradient) * way)), rel=1e-5, abs=1e-8), v.path


def test_what_does_not_count_changes_nothing():
    logits = np.random.default_rng(0).normal(size=(2, 3, VOCAB))
    words, counted = np.array([[5, 6, 0], [7, 0, 0]]), np.array([[1, 1, 0], [1, 0, 0]])
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    want = -(log_p[0, 0, 5] + log_p[0, 1, 6] + log_p[1, 0, 7]) / 3
    assert float(masked_loss(tf.constant(logits), words, counted)) == pytest.approx(want, abs=1e-12)


def test_training_learns_and_repeats_itself():
    ids, mask = sentences(128, stride=0)  # the others say what is hidden
    options = {"epochs": 12, "rate": 0.02, "batch_size": 32, **RULES}
    losses = train_masked(model(), ids, mask, **options)
    assert losses[0] > 2
    # Whoever does not look at the other tokens stays at log 20, but for 0.1 that 128 sentences may be uneven.
    assert losses[-1] < 0.8 * np.log(VOCAB - FIRST)
    # Up to rounding: the threads of a product share it as they come.
    np.testing.assert_allclose(train_masked(model(), ids, mask, **options), losses, rtol=1e-4)
    other = train_masked(model(), ids, mask, **options | {"seed": options.get("seed", 0) + 1})
    assert np.max(np.abs(np.divide(other, losses) - 1)) > 1e-3
