"""The arguments of `Word2Vec`: defaults, rules, and the habits of gensim's users."""

import inspect
import re
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from gensim.models import Word2Vec as Gensim

from tf_emb.word2vec import Options, Word2Vec
from tf_emb.word2vec.habits import RENAMED, WRITTEN

PARAMETERS = {name: of for name, of in inspect.signature(Word2Vec).parameters.items() if name != "options"}


def test_the_arguments_are_the_options_with_their_defaults_and_types() -> None:
    assert [(name, of.default, of.annotation) for name, of in PARAMETERS.items()] == [
        (field.name, field.default, field.type) for field in fields(Options)
    ]
    assert {of.kind for of in PARAMETERS.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_docstring_explains_every_argument_in_order() -> None:
    explained = re.findall(
        r"^        (\w+): ", Word2Vec.__doc__.split("Args:")[1].split("Attributes:")[0], re.MULTILINE
    )
    assert explained == ["options", *PARAMETERS]


def test_options_may_be_given_whole_but_alone() -> None:
    assert Word2Vec(Options(dim=7, model="cbow")).options == Word2Vec(dim=7, model="cbow").options
    with pytest.raises(ValueError, match=r"^`options` must be given alone; got window beside them\. Use one"):
        Word2Vec(Options(dim=7), window=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": "glove"}, r"`model` must be one of 'skipgram', 'cbow'; got 'glove'\. Choose one\."),
        ({"loss": None}, r"`loss` must be one of 'negative-sampling', .*; got None\."),
        ({"forward_only": "yes"}, r"`forward_only` must be one of False, True; got 'yes'\."),
        ({"dim": 0}, r"`dim` must be an integer of 1 or more; got 0\. The default is 100\."),
        ({"dim": 10.0}, r"`dim` must be an integer of 1 or more; got 10\.0\."),
        ({"dim": "300"}, r"`dim` must be an integer of 1 or more; got '300'\."),
        ({"epochs": True}, r"`epochs` must be an integer of 1 or more; got True\."),
        ({"window": None}, r"`window` must be an integer of 1 or more; got None\. The default is 5\."),
        ({"max_vocab": 0}, r"`max_vocab` must be an integer of 1 or more; got 0\. The default is None\."),
        ({"block": -1}, r"`block` must be an integer of 1 or more, or 0 for the default; got -1\."),
        ({"seed": 2**31}, r"`seed` must be an integer from 0 to 2147483647; got 2147483648\."),
        ({"sample": float("nan")}, r"`sample` must be a number of 0 or more; got nan\. The default is 0\.001\."),
        ({"rate": 0}, r"`rate` must be a number above 0; got 0\."),
        ({"limit": 0}, r"`limit` must be a number above 0; got 0\. The default is 6\.0\."),
        ({"ns_exponent": float("inf")}, r"`ns_exponent` must be a number from -100 to 100; got inf\."),
    ],
)
def test_a_wrong_value_says_rule_value_and_remedy(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Word2Vec(**wrong)


def test_numbers_of_numpy_become_those_of_python() -> None:
    options = Word2Vec(dim=np.int64(7), rate=np.float32(0.5), window=np.uint8(3)).options
    assert [type(value) for value in (options.dim, options.rate, options.window)] == [int, float, int]


@pytest.mark.parametrize(
    ("gensim", "here"),
    [
        ({"vector_size": 300}, "`vector_size` is called `dim` here: Word2Vec(dim=300)."),
        ({"size": 300}, "`size` is called `dim` here: Word2Vec(dim=300)."),
        ({"alpha": 0.1}, "`alpha` is called `rate` here: Word2Vec(rate=0.1)."),
        ({"iter": 3}, "`iter` is called `epochs` here: Word2Vec(epochs=3)."),
        ({"workers": 4}, "`workers` is called `threads` here: Word2Vec(threads=4)."),
        ({"max_final_vocab": 9}, "`max_final_vocab` is called `max_vocab` here: Word2Vec(max_vocab=9)."),
        ({"sg": 1}, "`sg=1` is written Word2Vec(model='skipgram') here."),
        ({"sg": 0}, "`sg=0` is written Word2Vec(model='cbow') here."),
        ({"hs": 1}, "`hs=1` is written Word2Vec(loss='hierarchical-softmax') here."),
        ({"negative": 7}, "`negative=7` is written Word2Vec(negatives=7) here."),
        ({"negative": 0}, "`negative=0` is written Word2Vec(loss='hierarchical-softmax') here."),
        ({"min_alpha": 0.1}, "`min_alpha`: the lowest rate is `floor` here, as a share of `rate`"),
        ({"cbow_mean": 0}, "`cbow_mean`: CBOW always takes the mean, there is no sum"),
        ({"shrink_windows": False}, "`shrink_windows=False` is written Word2Vec(window_kind='fixed') here."),
        ({"corpus_file": "t"}, "`corpus_file`: the corpus goes to `fit`: Word2Vec(...).fit("),
        ({"sentences": []}, "`sentences`: the corpus goes to `fit`: Word2Vec(...).fit(sent"),
        ({"vector_size": 5, "sg": 1}, "Word2Vec(dim=5). `sg=1` is written Word2Vec(model='skipgram') here."),
        ({"dims": 5}, "`dims` is not an option of Word2Vec. Is it `dim`?"),
        ({"zebra": 5}, "`zebra` is not an option of Word2Vec. See help(Word2Vec)."),
    ],
)
def test_an_argument_of_gensims_says_how_it_is_written_here(gensim: dict[str, Any], here: str) -> None:
    with pytest.raises(TypeError, match=re.escape(here)) as error:
        Word2Vec(**gensim)
    assert "\n" not in str(error.value)


def test_every_argument_of_gensims_is_taken_or_answered() -> None:
    theirs = set(inspect.signature(Gensim).parameters)
    assert theirs <= {*PARAMETERS, *RENAMED, *WRITTEN}
    assert not {*RENAMED, *WRITTEN} & {*PARAMETERS}
    assert set(RENAMED.values()) <= {*PARAMETERS}


@pytest.mark.parametrize("arguments", [([["a", "b"]],), ("text.txt",), (None, 100), (Options(), 5)], ids=repr)
def test_a_corpus_in_the_constructor_is_sent_to_fit(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"^Word2Vec\(sentences\) is written Word2Vec\(\.\.\.\)\.fit\(sentences\) here"):
        Word2Vec(*arguments)


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("wv", "`wv` is written model.vectors() here."),
        ("train", "`train` is written model.fit(sentences), or model.resume(sentences) after a stop here."),
        ("build_vocab", "`build_vocab` is written model.fit(sentences), which builds it, or model.build("),
        ("vocabulary", "`vocabulary` exists after `fit`, `build` or `load`; got none of them. Use `fit`."),
        ("losses", "`losses` exists after `fit`, `build` or `load`"),
        ("zebra", "'Word2Vec' object has no attribute 'zebra'. See help(Word2Vec)."),
    ],
)
def test_an_attribute_of_gensims_says_how_it_is_written_here(name: str, here: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(here)):
        getattr(Word2Vec(), name)
    assert not hasattr(Word2Vec(), name)
