"""The contenders of `python -m compare bench word2vec`, each of which trains as its users do."""

import numpy as np
import pytest

from compare.bench.child import call
from compare.bench.word2vec import contenders, text
from compare.bench.word2vec.contenders import measured, tutorial
from compare.bench.word2vec.task import Task
from tf_emb.vectors import load_vectors


@pytest.fixture(scope="module")
def lee(tmp_path_factory):
    return text.write(text.sentences(None), tmp_path_factory.mktemp("text") / "lee.txt", 3000)


@pytest.mark.parametrize(
    ("contender", "model", "loss"),
    [("torch", "skipgram", "negative-sampling"), ("torch", "cbow", "negative-sampling"),
     ("torch", "skipgram", "full-softmax"), ("tensorflow-tutorial", "skipgram", "negative-sampling"),
     ("gensim-iterator", "skipgram", "hierarchical-softmax")],
)  # fmt: skip
def test_peers_train_and_save(contender, model, loss, lee, tmp_path):
    import torch

    task = Task(
        contender=contender,
        text=str(lee.path),
        model=model,
        loss=loss,
        dim=8,
        words=2000,
        seed=1,
        max_vocab=50 if loss == "full-softmax" else None,
        threads=torch.get_num_threads(),
    )
    ready = (tutorial.build if contender == "tensorflow-tutorial" else contenders.prepare)(task)
    ready.save(tmp_path / "before.bin")
    said = measured(ready)
    ready.save(tmp_path / "after.bin")
    before, after = (load_vectors(tmp_path / f"{name}.bin") for name in ("before", "after"))
    assert before.index_to_key == after.index_to_key
    assert np.abs(after.vectors - before.vectors).max() > 1e-4
    assert said["raw_words"] == (3000 if contender.startswith("gensim") else 2000)
    assert said["words_per_second"] == pytest.approx(said["raw_words"] / said["seconds"])


def test_pairs_are_inside_their_windows_and_bags_hold_the_same_pairs(lee):
    task = Task(contender="torch", text=str(lee.path), window=3, words=2000)
    drawn = text.draw_pairs(task)
    assert drawn.words == 2000
    around, centers = text.bags(drawn, 3)
    vocab = len(drawn.vocabulary)
    per_bag = [(center, word) for center, bag in zip(centers, around, strict=True) for word in bag if word < vocab]
    assert per_bag == list(zip(drawn.centers, drawn.contexts, strict=True))
    assert len(per_bag) / len(centers) == pytest.approx(4, abs=0.3)  # window + 1 pairs a centre


@pytest.mark.parametrize(("contender", "loss"), [("gensim", "full-softmax"), ("torch", "hierarchical-softmax")])
def test_what_a_contender_cannot_do_is_refused(contender, loss, lee):
    with pytest.raises(
        ValueError, match=f"{contender} must be given an objective that it has; got skipgram with {loss}"
    ):
        contenders.prepare(Task(contender=contender, text=str(lee.path), loss=loss))


def test_a_training_that_breaks_says_why(tmp_path):
    task = {"contender": "cakes", "text": "x"}
    with pytest.raises(RuntimeError, match=r"^cakes ended with exit status 1: ValueError: a contender must be one of"):
        call("cakes", "compare.bench.word2vec.contenders", task, threads=1, log=tmp_path / "log")
