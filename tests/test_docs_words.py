"""The table of Keras' and PyTorch's words: complete for the installed versions, and true."""

import inspect

import keras
import pytest

from compare.docs import pages, words
from tf_emb.layers import Embedding, EmbeddingBag

INSTALLED = {kind: all_ for library in words.LIBRARIES for kind, all_ in words.words(library).items()}


def test_every_word_of_the_installed_versions_is_spoken_of_and_no_other() -> None:
    assert words.differences(INSTALLED) == []
    assert {"input_dim", "autocast", "enable_lora(rank)", "compute_mask()"} <= set(INSTALLED["keras.layers.Embedding"])
    assert {"mode", ".weight", "forward(offsets)", "from_pretrained(freeze)"} <= set(INSTALLED["torch.nn.EmbeddingBag"])
    assert "state_dict" in INSTALLED["torch.nn.Module"]


@pytest.mark.parametrize("kind", INSTALLED)
def test_a_word_that_comes_or_goes_is_seen(kind: str) -> None:
    changed = {**INSTALLED, kind: [*INSTALLED[kind][1:], "brand_new"]}
    assert words.differences(changed) == [f"{kind}: brand_new is new", f"{kind}: {INSTALLED[kind][0]} is gone"]


def test_the_page_holds_the_table() -> None:
    assert pages.with_words()[pages.SEMANTICS] == pages.SEMANTICS.read_text(encoding="utf-8")


def test_what_is_called_the_same_is_there() -> None:
    taken = set(inspect.signature(Embedding).parameters) | set(
        inspect.signature(keras.layers.Embedding.__init__).parameters
    )
    taken |= set(inspect.signature(keras.layers.Layer.__init__).parameters) | {"kwargs"}
    for word, verdict in words.VERDICTS["keras.layers.Embedding"].items():
        name, is_method = word.partition("(")[0], word.endswith(")")
        assert verdict
        assert name in dir(Embedding) if is_method else name.strip("*") in taken, word
    for word in ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"):
        assert word in inspect.signature(Embedding).parameters
    assert "include_last_offset" in inspect.signature(EmbeddingBag).parameters
